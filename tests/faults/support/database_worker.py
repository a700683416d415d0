"""A process that does one thing to a database and can be killed in the middle of it.

`python -m tests.faults.support.database_worker copy|swap DSN NAME RUN EPOCH`; prints the effect's facts as JSON.
"""

from __future__ import annotations

import json
import sys
from uuid import UUID

from bonanca.kernel.boot import setup_django


def main(what: str, dsn: str, name: str, run: str, epoch: str) -> None:
    setup_django()
    from bonanca.actuators.postgres.databases import copy_database, swap_databases
    from bonanca.durable.context import FenceToken

    token = FenceToken(UUID(run), int(epoch))
    if what == "copy":
        facts = copy_database(dsn, source=name, target=f"{name}_pin", token=token, key=f"{run}:copy", grace_s=0.1)
    else:
        facts = swap_databases(
            dsn, live=name, incoming=f"{name}_new", keep_as=f"{name}_kept", token=token, key=f"{run}:swap"
        )
    print(json.dumps(facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
