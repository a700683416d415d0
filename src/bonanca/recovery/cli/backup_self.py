"""`bonanca backup self`: Bonança's own database taken, restored for proof, and brought back when all else is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.recovery.cli.backup import app as backup_app
from bonanca.recovery.cli.backup import without_database
from bonanca.ui.console import JsonOption, emit, note, progress, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views.procedure import OwnBackupView

own = typer.Typer(help="Bonança's own database: back up, restore for proof, bring back.", no_args_is_help=True)
backup_app.add_typer(own, name="self")
KeyFile = Annotated[Path | None, typer.Option("--identity-file", help="File with the private key.")]


@own.command()
def take(as_json: JsonOption = False) -> None:
    """Back up Bonança's own database now, into every declared place (BONANCA_SELF_BACKUP_PLACES)."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.take_own_backup import take_own_backup

    with progress("backup of bonanca") as shown:
        backup = take_own_backup(actor=local_operator(), now=utc_now(), progress=shown)
    emit(backup, as_json=as_json, show=lambda: _show(backup))


@own.command("list")
def list_(as_json: JsonOption = False) -> None:
    """Backups of Bonança's own database, newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.queries.own import own_backups, own_status

    rows = own_backups()
    problem = own_status(utc_now()).problem

    def shown() -> None:
        table(("id", "taken", "state", "places", "MB", "rows"), map(_row, rows))
        if problem:
            note(problem)

    emit(rows, as_json=as_json, show=shown)


@own.command()
def verify(
    backup_id: Annotated[UUID | None, typer.Option("--backup", help="Which backup (default: the newest).")] = None,
    identity_file: KeyFile = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into a scratch server, compare every table's rows; exit non-zero and name what differs."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.verify_own_backup import verify_own_backup

    with progress("restore of bonanca") as shown:
        backup = verify_own_backup(
            actor=local_operator(), now=utc_now(), backup_id=backup_id, identity_file=identity_file, progress=shown
        )
    emit(backup, as_json=as_json, show=lambda: _show(backup))


@own.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup as it lies in its place (.bnc).")],
    identity_file: Annotated[Path, typer.Option("--identity-file", help="File with the private key.")],
    to: Annotated[
        str | None,
        typer.Option("--to-file", help="File with the address of the target database (default: as DATABASE_URL says)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring Bonança's database back where it will live; needs nothing but the file and the key, overwrites nothing."""
    without_database()
    from bonanca.recovery.own_target import restore_own

    with progress("restore of bonanca") as shown:
        done = restore_own(file, identity_file, address_file=Path(to) if to else None, progress=shown)

    def told() -> None:
        say(f"{sum(done.restored.row_counts.values())} rows of {len(done.restored.row_counts)} tables in {done.place}")
        note("start Bonança: bonanca up")

    emit(done, as_json=as_json, show=told)


def _row(backup: OwnBackupView) -> tuple[object, ...]:
    there = sum(stored for _place, stored, _error in backup.places)
    return (
        backup.id,
        f"{backup.started_at:%Y-%m-%d %H:%M} UTC",
        backup.state,
        f"{there}/{len(backup.places)}",
        f"{backup.size_bytes / 1e6:.1f}",
        backup.rows,
    )


def _show(backup: OwnBackupView) -> None:
    say(f"{backup.id}  bonanca  {backup.state}")
    say(f"  taken     {backup.started_at:%Y-%m-%d %H:%M:%S} UTC, {backup.rows} rows, {backup.size_bytes / 1e6:.1f} MB")
    for place, stored, error in backup.places:
        say(f"  {'stored' if stored else 'FAILED':<9} {place}/{backup.object_name} {error}")
    if backup.restore_seconds is not None:
        say(f"  restored  in {backup.restore_seconds:.1f} s")
    if backup.error:
        say(f"  error     {backup.error}")
