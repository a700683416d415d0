"""`bonanca restore`: preview, start and take back a restore; list, keep, open and drop what restores replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, note, print_json, say, table

if TYPE_CHECKING:
    from bonanca.recovery.engines import Target
    from bonanca.recovery.views import RestoreView

CLI_NAME = "restore"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Bring a backup back: beside what runs, or in its place, which is kept.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service's slug.")]
RestoreId = Annotated[UUID, typer.Argument(help="The restore's id.")]
Name = Annotated[str, typer.Argument(help="Name of the kept database.")]
SIGNS = {"ok": "ok ", "no": "NO ", "unknown": "?  ", "risk": "!  "}


@app.command()
def preview(
    service: Service,
    backup: Annotated[UUID | None, typer.Option("--backup", help="Which backup (default: the newest).")] = None,
    into: Annotated[str, typer.Option("--into", help="Name of the new database (default: a derived one).")] = "",
    swap: Annotated[bool, typer.Option("--swap", help="Put it in the place of the service's database.")] = False,
    part: Annotated[
        str, typer.Option("--part", help="database, files or everything (default: database, or the files if alone).")
    ] = "",
    folder: Annotated[str, typer.Option("--folder", help="New folder for the files (default: a derived one).")] = "",
    to_time: Annotated[str, typer.Option("--to-time", help="Back to a time with its zone (physical backups).")] = "",
    to_lsn: Annotated[str, typer.Option("--to-lsn", help="Back to a position of the log.")] = "",
    to_point: Annotated[str, typer.Option("--to-point", help="Back to a point made by `restore point`.")] = "",
    to_latest: Annotated[bool, typer.Option("--to-latest", help="Up to the end of the archived log.")] = False,
    timeline: Annotated[int | None, typer.Option("--timeline", help="Of the log (default: found out).")] = None,
    identity_file: Annotated[
        Path | None, typer.Option("--identity-file", help="File with the private key (default: the declared one).")
    ] = None,
    start_it: Annotated[bool, typer.Option("--start", help="Start it at once when nothing stands in the way.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a restore would do and what stands in its way; nothing on the server is touched."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Invalid
    from bonanca.recovery.operations.propose_restore import propose_restore
    from bonanca.recovery.operations.start_restore import start_restore
    from bonanca.recovery.state import RestoreMode, RestorePart

    if part and part not in RestorePart.values:
        raise Invalid(f"--part is one of {', '.join(RestorePart.values)} (got {part}).", field="part")
    actor = local_operator()
    shown = propose_restore(
        service=service,
        backup_id=backup,
        target=target_of(to_time, to_lsn, to_point, to_latest, timeline),
        mode=RestoreMode.SWAP if swap else RestoreMode.BESIDE,
        into=into,
        part=RestorePart(part) if part else None,
        folder=folder,
        identity_file=identity_file,
        actor=actor,
        now=utc_now(),
    )
    if start_it:
        shown = start_restore(shown.id, actor=actor, now=utc_now())
    emit(shown, as_json=as_json, show=lambda: _show(shown))
    if shown.refused:
        raise typer.Exit(5)


@app.command()
def start(restore_id: RestoreId, as_json: JsonOption = False) -> None:
    """Start a previewed restore: a worker carries it out; `bonanca restore show` follows it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.start_restore import start_restore

    started = start_restore(restore_id, actor=local_operator(), now=utc_now())
    emit(started, as_json=as_json, show=lambda: _show(started))


@app.command()
def show(restore_id: RestoreId, as_json: JsonOption = False) -> None:
    """One restore: its verdict, its steps, how it goes and what it kept."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery.queries import get_restore

    found = get_restore(restore_id)
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command("list")
def list_(service: Service, as_json: JsonOption = False) -> None:
    """The service's restores, newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.catalog.queries import get_service
    from bonanca.recovery.queries import list_restores

    get_service(service)
    found = list_restores(service)

    def rows() -> None:
        if not found:
            say(f"{service} was never restored: bonanca restore preview {service}")
            return
        table(
            ("id", "asked", "into", "mode", "state"),
            [
                (
                    r.id,
                    f"{r.proposed_at:%Y-%m-%d %H:%M} UTC",
                    r.where,
                    r.mode.value,
                    ("taken back" if r.undo_run_id else r.outcome.value) if r.outcome else r.state.value,
                )
                for r in found
            ],
        )

    emit(found, as_json=as_json, show=rows)


@app.command()
def undo(restore_id: RestoreId, as_json: JsonOption = False) -> None:
    """Take a restore back: what it replaced takes its place again, what it brought is kept."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.undo_restore import undo_restore

    run = undo_restore(restore_id, actor=local_operator(), now=utc_now())
    emit(run, as_json=as_json, show=lambda: say(f"{run.id}  {run.state.value}: bonanca plan show {run.id}"))


@app.command()
def kept(service: Service, as_json: JsonOption = False) -> None:
    """The databases and files that restores and rollbacks replaced and kept, newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery.queries import kept_databases, kept_files

    found, trees = kept_databases(service), kept_files(service)

    def rows() -> None:
        if not found and not trees:
            say(f"{service} has no kept database and no kept files")
            return
        if trees:
            table(
                ("name", "was", "kept", "MB", "expires", "lies at"),
                [
                    (
                        k.name,
                        k.path,
                        f"{k.kept_at:%Y-%m-%d %H:%M} UTC",
                        f"{(k.size_bytes or 0) / 1e6:.1f}",
                        f"{k.expires_at:%Y-%m-%d %H:%M} UTC",
                        k.kept_path,
                    )
                    for k in trees
                ],
            )
        if not found:
            return
        table(
            ("name", "was", "kept", "MB", "expires", "access"),
            [
                (
                    k.name,
                    k.database,
                    f"{k.kept_at:%Y-%m-%d %H:%M} UTC",
                    f"{(k.size_bytes or 0) / 1e6:.1f}",
                    f"{k.expires_at:%Y-%m-%d %H:%M} UTC" if k.expires_at else "-",
                    "opened" if k.open_until else "closed" if k.closed else "not closed yet",
                )
                for k in found
            ],
        )

    emit([*found, *trees], as_json=as_json, show=rows)


@app.command()
def keep(
    service: Service,
    name: Name,
    hours: Annotated[float, typer.Option("--hours", help="How long from now, in hours.")],
    as_json: JsonOption = False,
) -> None:
    """Keep a replaced database longer than the policy says."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.keep_longer import keep_longer

    until = keep_longer(service=service, name=name, hours=hours, actor=local_operator(), now=utc_now())
    _told(name, "expires_at", until, as_json, f"{name} is kept until {until:%Y-%m-%d %H:%M} UTC")


@app.command("open")
def open_(
    service: Service,
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why it must be read; the audit keeps it.")],
    hours: Annotated[float, typer.Option("--hours", help="For how long, at most 24.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Let people read a kept database for a while; it is closed again by itself."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.open_kept import open_kept

    until = open_kept(service=service, name=name, reason=reason, hours=hours, actor=local_operator(), now=utc_now())
    _told(name, "open_until", until, as_json, f"{name} can be read until {until:%Y-%m-%d %H:%M} UTC")


@app.command()
def drop(
    service: Service,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Drop a kept database for good; what replaced it can then not be undone any more."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.drop_kept import drop_kept

    if not yes:
        typer.confirm(f"Drop {name} for good?", abort=True, err=True)
    drop_kept(service=service, name=name, actor=local_operator(), now=utc_now())
    _told(name, "dropped", True, as_json, f"{name} is dropped")


@app.command()
def point(
    service: Service,
    name: Annotated[str, typer.Argument(help="Name of the point.")],
    as_json: JsonOption = False,
) -> None:
    """Name this moment of the service's server, so that one can go back to it by its name."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.create_restore_point import create_restore_point

    made = create_restore_point(service=service, name=name, actor=local_operator(), now=utc_now())
    emit(made, as_json=as_json, show=lambda: say(f"{made.name}  {made.lsn} on timeline {made.timeline}"))


@app.command()
def log(service: Service, as_json: JsonOption = False) -> None:
    """How the service's write-ahead log is received and archived, and the points that were named in it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery.queries import wal_of

    found = wal_of(service)

    def rows() -> None:
        if found is None:
            say(f"the log of {service} is not archived: declare engine: physical and wal in its backup")
            return
        lag = "?" if found.lag_bytes is None else f"{found.lag_bytes} bytes"
        say(f"receiver {'runs' if found.running else 'DOES NOT RUN'}, {lag} behind, slot {found.slot}")
        if found.error:
            say(f"  {found.error}")
        reaches = f"{found.reaches:%Y-%m-%d %H:%M:%S} UTC" if found.reaches else "nothing yet"
        say(f"{found.files} files, {found.size_bytes / 1e6:.1f} MB, {found.waiting} not everywhere, up to {reaches}")
        for bad in found.damaged:
            say(f"  DAMAGED {bad.name}, intact in {', '.join(bad.intact_in) or 'no place'}: {'; '.join(bad.errors)}")
        for one in found.points:
            say(f"  {one.name}  {one.lsn}  {one.created_at:%Y-%m-%d %H:%M:%S} UTC")

    emit(found, as_json=as_json, show=rows)


def target_of(to_time: str, to_lsn: str, to_point: str, to_latest: bool, timeline: int | None) -> Target:
    """The one target that was asked for. Raises Invalid: there are two."""
    from bonanca.kernel.errors import Invalid
    from bonanca.recovery.engines import Target

    asked = [(kind, value) for kind, value in (("time", to_time), ("lsn", to_lsn), ("point", to_point)) if value]
    asked += [("latest", "")] if to_latest else []
    if len(asked) > 1:
        raise Invalid("One target: --to-time, --to-lsn, --to-point or --to-latest.")
    kind, value = asked[0] if asked else ("backup", "")
    return Target(kind, value, timeline)


def _told(name: str, key: str, value: object, as_json: bool, words: str) -> None:
    if as_json:
        print_json({"name": name, key: value})
    else:
        say(words)


def _about(seconds: float | None) -> str:
    return f"  (about {seconds:g} s)" if seconds is not None else ""


def _show(restore: RestoreView) -> None:
    state = restore.outcome.value if restore.outcome else restore.state.value
    say(f"{restore.id}  {restore.service} → {restore.where} ({restore.mode.value}, {restore.part.value})  {state}")
    if restore.target_kind != "backup":
        say(f"  back to {restore.target_kind} {restore.target_value}")
    for found in restore.verdict:
        say(f"  {SIGNS[found.answer]} {found.words}")
    for number, step in enumerate(restore.steps, start=1):
        say(f"  {number}. {step.title}{_about(step.expected_s)}")
    if restore.error:
        say(f"  failed: {restore.error}")
    if restore.kept:
        say(f"  kept: {restore.kept}")
    if restore.undo_run_id:
        say(f"  taken back: bonanca plan show {restore.undo_run_id}")
    if restore.run_id is not None:
        note(f"bonanca plan show {restore.run_id}")
    elif not restore.refused:
        note(f"start it within half an hour: bonanca restore start {restore.id}")
