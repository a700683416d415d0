"""`bonanca migrate`, and the hidden step in which `bonanca up` prepares the database for its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# One number for every process that changes the schema, on whatever host: "bonança" on a telephone keypad.
_MIGRATION_LOCK = 2666262


def migrate() -> None:
    """Bring the database to this version's shape; processes that try at the same time wait for each other."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=1, skip_checks=True)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def register(root: typer.Typer) -> None:
    @root.command("migrate", rich_help_panel="Run")
    def migrate_() -> None:
        """Prepare the database for this version (`bonanca up` does it by itself)."""
        migrate()

    @root.command("prepare", hidden=True)
    def prepare(
        gateway_token: Annotated[Path | None, typer.Option(help="Write a token for the gateway there.")] = None,
    ) -> None:
        """Migrate, and hand the local gateway its token."""
        migrate()
        if gateway_token is not None:
            from bonanca.cli.gateway_token import renew_gateway_token

            renew_gateway_token(gateway_token)
