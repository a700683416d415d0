"""`bonanca backup`: take, list, verify, show; create a key; open a backup without Bonança's database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, note, print_json, progress, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views import BackupView

CLI_NAME = "backup"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Backups: taken, encrypted, replicated, and restored for proof.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service's slug.")]
IdentityFile = Annotated[
    Path | None, typer.Option("--identity-file", help="File with the private key (default: the declared one).")
]


@app.command()
def take(
    service: Service,
    verify_it: Annotated[bool, typer.Option("--verify", help="Restore it into a scratch server, too.")] = False,
    identity_file: IdentityFile = None,
    as_json: JsonOption = False,
) -> None:
    """Back up the service's database and declared files now, into every declared place."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery import queries
    from bonanca.recovery.operations.take_backup import take_backup
    from bonanca.recovery.operations.verify_backup import verify_backup

    actor = local_operator()
    with progress(f"backup of {service}") as shown:
        backup = take_backup(service=service, actor=actor, now=utc_now(), progress=shown)
        if verify_it:
            verify_backup(backup.id, actor=actor, now=utc_now(), identity_file=identity_file, progress=shown)
            backup = queries.get_backup(backup.id)
    emit(backup, as_json=as_json, show=lambda: _show(backup))
    if backup.intact < len(backup.replicas):
        note(f"not every place has it yet: bonanca backup copies {service}")


@app.command("list")
def list_(service: Service, as_json: JsonOption = False) -> None:
    """The service's backups, newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.catalog.queries import get_service
    from bonanca.recovery import queries

    get_service(service)  # a mistyped name is an error, not an empty list
    backups = queries.list_backups(service)

    def rows() -> None:
        if not backups:
            say(f"{service} has no backup yet: bonanca backup take {service}")
            return
        table(
            ("id", "taken", "engine", "state", "places", "MB", "rows", "restored in"),
            [
                (
                    b.id,
                    f"{b.started_at:%Y-%m-%d %H:%M} UTC",
                    b.engine,
                    b.state.value,
                    f"{b.intact}/{len(b.replicas)}",
                    f"{b.size_bytes / 1e6:.1f}",
                    b.rows,
                    f"{b.restore_seconds:.1f} s" if b.restore_seconds is not None else "never",
                )
                for b in backups
            ],
        )

    emit(backups, as_json=as_json, show=rows)


@app.command()
def verify(
    service: Service,
    backup_id: Annotated[UUID | None, typer.Option("--backup", help="Which backup (default: the newest).")] = None,
    identity_file: IdentityFile = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into a scratch server and check it; exit non-zero and name what is damaged."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.verify_backup import verify_backup

    chosen = _chosen(service, backup_id)
    with progress(f"restore of {service}") as shown:
        drill = verify_backup(
            chosen.id, actor=local_operator(), now=utc_now(), identity_file=identity_file, progress=shown
        )

    def result() -> None:
        counts, files = drill.evidence["counts"], drill.evidence.get("files")
        say(f"restored in {drill.restore_seconds:.1f} s, data {drill.age_seconds:.0f} s old")
        if counts:
            held = len(drill.evidence["checks"])
            say(f"{counts['rows']} rows in {counts['tables']} tables as in the snapshot, {held} checks held")
        if files:
            say(f"{files['files']} files in {files['bytes'] / 1e6:.1f} MB, each as it was taken")
        for replica in drill.evidence["replicas"]:
            say(f"{'intact ' if replica['ok'] else 'BROKEN '} {replica['place']} {replica['error']}")

    emit(drill, as_json=as_json, show=result)


@app.command()
def show(
    service: Service,
    backup_id: Annotated[UUID | None, typer.Option("--backup", help="Which backup (default: the newest).")] = None,
    as_json: JsonOption = False,
) -> None:
    """One backup with its places, its rows and the evidence of its last restore."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    backup = _chosen(service, backup_id)
    emit(backup, as_json=as_json, show=lambda: _show(backup))


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write the private key; never over an existing file.")],
    as_json: JsonOption = False,
) -> None:
    """Create a key: the private one goes to FILE (mode 0600), the public one is printed for `backup.recipients`."""
    without_database()
    from bonanca.kernel.errors import Conflict
    from bonanca.recovery.identities import create_identity_file

    try:
        public = create_identity_file(file)
    except FileExistsError as error:
        raise Conflict(f"{file} exists already.", hint="A key that is overwritten is lost; choose another.") from error
    if as_json:
        print_json({"file": str(file.absolute()), "recipient": public})
        return
    say(public)
    note(f"private key in {file}: keep a copy away from this machine, without it the backups are noise")


@app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="A backup as it lies in its place (.bnc).")],
    identity_file: Annotated[Path, typer.Option("--identity-file", help="File with the private key.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write what is in it; never over an existing file.")
    ] = None,
    unpack: Annotated[
        Path | None, typer.Option("--unpack", help="New folder to unpack it into: files/, and what pg_restore reads.")
    ] = None,
) -> None:
    """Decrypt a backup, into one file or unpacked; needs no database of Bonança's."""
    without_database()
    from bonanca.kernel.errors import Conflict, Invalid, NotFound
    from bonanca.recovery.opening import open_file, unpack_file

    if (out is None) == (unpack is None):
        raise Invalid("Say --out FILE or --unpack FOLDER.", field="out")
    target = out or unpack
    assert target is not None
    try:
        label = (open_file if unpack is None else unpack_file)(file, target, identity_file)
    except FileNotFoundError as error:
        raise NotFound(f"{error.filename}: there is no such file.") from error
    except FileExistsError as error:
        raise Conflict(f"{target} exists already.") from error
    for name, value in label.items():
        note(f"{name}: {value}")
    say(str(target))


def without_database() -> None:
    """Set Django up for its translations alone: these commands must work when everything else is lost."""
    from bonanca.kernel.boot import setup_django
    from bonanca.kernel.errors import Unavailable

    try:
        setup_django()
    except Unavailable:
        # Never connected to: settings want an address before they can be read.
        os.environ["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
        setup_django()


def _chosen(service: str, backup_id: UUID | None) -> BackupView:
    from bonanca.catalog.queries import get_service
    from bonanca.kernel.errors import NotFound
    from bonanca.recovery import queries

    get_service(service)
    if backup_id is not None:
        found: BackupView | None = queries.get_backup(backup_id)
    else:
        found = queries.latest_backup(service) or queries.last_attempt(service)
    if found is None or found.service != service:
        raise NotFound(f"{service} has no such backup.", hint=f"Take one: bonanca backup take {service}")
    return found


def _show_files(files: Mapping[str, Any]) -> None:
    for root in files["roots"]:
        say(f"  files     {root['files']} in {root['bytes'] / 1e6:.1f} MB of {root['path']}")
    for path, why in files["left"]:
        say(f"  left out  {path}: {why}")
    if files["left_count"] > len(files["left"]):
        say(f"  left out  {files['left_count'] - len(files['left'])} more")
    for path in files["changed"]:
        say(f"  changed   {path} was written to while it was read")


def _show(backup: BackupView) -> None:
    say(f"{backup.id}  {backup.service}  {backup.state.value}")
    say(f"  taken     {backup.started_at:%Y-%m-%d %H:%M:%S} UTC by {backup.taken_by}, engine {backup.engine}")
    for place, label in backup.facts.get("labels", {}).items():
        cipher = backup.ciphers.get(place, "none")
        say(f"  {backup.kinds.get(place, ''):<9} {label} in {place}, cipher {cipher}")
    say(
        f"  content   {backup.rows} rows,"
        f" {backup.plain_bytes / 1e6:.1f} MB read, {backup.size_bytes / 1e6:.1f} MB sealed"
    )
    if backup.facts.get("tables"):
        say(f"  tables    {len(backup.facts['tables'])} by {backup.facts['jobs']} workers, each with its sum")
    if backup.files:
        _show_files(backup.files)
    if backup.error:
        say(f"  error     {backup.error}")
    for replica in backup.replicas:
        say(f"  {replica.state.value:<9} {replica.place}  {replica.error}")
    if backup.verified_at is not None:
        say(f"  restored  {backup.verified_at:%Y-%m-%d %H:%M:%S} UTC in {backup.restore_seconds:.1f} s (RTO)")
    elif backup.last_drill is not None:
        say(f"  restored  {backup.last_drill.state.value}: {backup.last_drill.error}")
    else:
        say("  restored  never: bonanca backup verify " + backup.service)
