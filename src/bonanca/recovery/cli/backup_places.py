"""`bonanca backup copies` and `check`: where a service's backups lie, what is missing there, and what is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.recovery.cli.backup import IdentityFile, Service
from bonanca.recovery.cli.backup import app as backups
from bonanca.ui.console import JsonOption, emit, note, progress, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views import CheckReport, WalCheck


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


@backups.command()
def check(
    service: Annotated[str | None, typer.Argument(help="The service's slug.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The backups of every service.")] = False,
    backup_id: Annotated[UUID | None, typer.Option("--backup", help="Only this backup.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged copies again from an intact one.")] = False,
    identity_file: IdentityFile = None,
    as_json: JsonOption = False,
) -> None:
    """Read every copy of every backup and archived log; exit non-zero and name the file and place of what is damaged.

    With the private key every chunk is authenticated, too; without it the checksums are compared.
    """
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Invalid
    from bonanca.recovery.operations.check_backup import check_backup, raise_for
    from bonanca.recovery.operations.check_wal import check_wal, raise_for_wal

    if every == (service is not None):
        raise Invalid("Name a service, or say --all.")
    actor, reports = local_operator(), []
    for slug, identity, chosen in _to_check(service, backup_id):
        with progress(f"copies of {slug}, {chosen}") as shown:
            reports.append(
                check_backup(
                    chosen,
                    actor=actor,
                    now=utc_now(),
                    identity_file=identity_file or identity,
                    repair=repair,
                    progress=shown,
                )
            )
    logs = []
    for slug, identity in _logs_to_check(service) if backup_id is None else []:
        with progress(f"log of {slug}") as shown:
            key = identity_file or identity
            logs.append(check_wal(slug, actor=actor, now=utc_now(), identity_file=key, repair=repair, progress=shown))
    emit([*reports, *logs], as_json=as_json, show=lambda: _show_checks(reports, logs))
    for report in reports:
        raise_for(report)
    for log in logs:
        raise_for_wal(log)


def _to_check(service: str | None, backup_id: UUID | None) -> list[tuple[str, Path | None, UUID]]:
    """Slug, the declared private key where this machine has it, and each backup that has copies."""
    from bonanca.catalog.queries import get_service, list_services
    from bonanca.recovery import queries
    from bonanca.recovery.state import RESTORABLE

    found = []
    for declared in [get_service(service)] if service is not None else list_services():
        identity = declared.backup.identity_file if declared.backup else None
        here = identity if identity is not None and identity.is_file() else None
        for backup in queries.list_backups(declared.slug, limit=10_000):
            if backup.state in RESTORABLE and backup.copies and backup_id in (None, backup.id):
                found.append((declared.slug, here, backup.id))
    return found


def _logs_to_check(service: str | None) -> list[tuple[str, Path | None]]:
    """Slug and the declared private key where this machine has it, of each service whose log is archived."""
    from bonanca.catalog.queries import get_service, list_services
    from bonanca.recovery import queries

    found = []
    for declared in [get_service(service)] if service is not None else list_services():
        wal = queries.wal_of(declared.slug)
        if wal is not None and wal.files:
            identity = declared.backup.identity_file if declared.backup else None
            found.append((declared.slug, identity if identity is not None and identity.is_file() else None))
    return found


def _show_checks(reports: list[CheckReport], logs: list[WalCheck]) -> None:
    for log in logs:
        for one in log.wrong:
            word = "REPAIRED" if one.repaired else "DAMAGED" if one.answered else "UNREAD"
            say(f"{word:<9} {one.place} {one.name}  {one.error}")
        say(f"{log.files} files of the log of {log.service}, {len(log.wrong)} with something wrong")
    if not reports and not logs:
        say("there is no backup to check")
    for report in reports:
        for copy in report.copies:
            word = "intact" if copy.ok else "REPAIRED" if copy.repaired else "DAMAGED" if copy.answered else "UNREAD"
            how = "every chunk authenticated" if copy.authenticated else "sum compared" if copy.ok else copy.error
            say(f"{word:<9} {copy.place} {copy.object_name}  {how}")
