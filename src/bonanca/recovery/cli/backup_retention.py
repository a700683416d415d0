"""`bonanca backup prune`: what retention keeps and removes; shown before, done with --yes."""

from __future__ import annotations

from typing import Annotated

import typer

from bonanca.recovery.cli.backup import Service
from bonanca.recovery.cli.backup import app as backups
from bonanca.ui.console import JsonOption, emit, note, say, table


@backups.command()
def prune(
    service: Service,
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Remove them; without it they are only shown.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What the service's retention keeps, why, and what it would remove; with --yes it is removed."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery import queries
    from bonanca.recovery.operations.prune_backups import prune_backups

    plan = queries.retention_plan(service, utc_now())
    if yes:
        plan = prune_backups(service=service, digest=plan.digest, actor=local_operator(), now=utc_now())

    def rows() -> None:
        if plan.policy is None:
            say(f"{service} declares no retention: everything is kept")
            return
        table(
            ("backup", "taken", "MB", "", "why"),
            [
                (
                    row.backup_id,
                    f"{row.taken_at:%Y-%m-%d %H:%M} UTC",
                    f"{row.size_bytes / 1e6:.1f}",
                    "stays" if row.stays else "removed" if yes else "GOES",
                    "; ".join(row.why),
                )
                for row in plan.rows
            ],
        )
        for place, freed in plan.freed.items():
            say(f"{freed / 1e6:.1f} MB {'freed' if yes else 'to be freed'} in {place}")
        if plan.goes and not yes:
            note(f"nothing was removed; do it with: bonanca backup prune {service} --yes")

    emit(plan, as_json=as_json, show=rows)
