"""`bonanca backup copies`: where a service's backups lie, and what is missing there."""

from __future__ import annotations

from typing import Annotated

import typer

from bonanca.recovery.cli.backup import Service
from bonanca.recovery.cli.backup import app as backups
from bonanca.ui.console import JsonOption, emit, note, progress, say, table


@backups.command()
def copies(
    service: Service,
    retry: Annotated[bool, typer.Option("--retry", help="Make what is missing or damaged again, now.")] = False,
    place: Annotated[str | None, typer.Option("--place", help="Only in this place (with --retry).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Where the service's backups lie: each place with its copies, bytes, and what it still waits for."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery import queries

    if retry:
        _retry(service, place)
    found = queries.places_of(service)

    def rows() -> None:
        table(
            ("place", "copies", "MB", "waiting", "damaged", "newest", "locked for"),
            [
                (
                    p.place + ("" if p.declared else " (not declared any more)"),
                    p.copies,
                    f"{p.size_bytes / 1e6:.1f}",
                    p.waiting or "",
                    p.damaged or "",
                    f"{p.last_stored_at:%Y-%m-%d %H:%M} UTC" if p.last_stored_at else "never",
                    f"{p.lock_days} d" if p.lock_days else "",
                )
                for p in found.places
            ],
        )
        say(f"{found.size_bytes / 1e6:.1f} MB in all places together")
        for copy in found.unfinished:
            replica = copy.replica
            share = f" {copy.percent:.0f} %" if copy.percent is not None else ""
            again = f", again {replica.next_try_at:%Y-%m-%d %H:%M:%S} UTC" if replica.next_try_at else ""
            note(f"{replica.state.value}{share}: {copy.backup_id} in {replica.place}{again} {replica.error}")

    emit(found, as_json=as_json, show=rows)


def _retry(service: str, place: str | None) -> None:
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery import queries
    from bonanca.recovery.operations.copy_backups import copy_backups
    from bonanca.recovery.operations.retry_copy import retry_copy

    actor, asked = local_operator(), 0
    for copy in queries.places_of(service).unfinished:
        if copy.replica.waits and place in (None, copy.replica.place):
            retry_copy(backup_id=copy.backup_id, place=copy.replica.place, actor=actor, now=utc_now())
            asked += 1
    with progress(f"copies of {service}") as shown:
        shown(None, f"{asked} to make again")
        while copy_backups(now=utc_now(), service=service):
            shown(None, "going on")
