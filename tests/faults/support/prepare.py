"""Create the tables that plans need, or `all`: `python -m tests.faults.support.prepare [all]`."""

from __future__ import annotations

import sys

from bonanca.kernel.boot import setup_django

if __name__ == "__main__":
    setup_django()
    from django.core.management import call_command

    for room in [()] if "all" in sys.argv else [("kernel",), ("outbox",), ("durable",)]:
        # Without the checks, which would load the pages and APIs of every room.
        call_command("migrate", *room, verbosity=0, skip_checks=True)
