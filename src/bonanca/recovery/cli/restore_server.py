"""`bonanca restore server`: a whole server's data directory back, on the machine where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.recovery.cli.restore import SIGNS, Service, target_of
from bonanca.recovery.cli.restore import app as restores
from bonanca.ui.console import JsonOption, emit, note, progress, say

if TYPE_CHECKING:
    from bonanca.recovery.views.servers import ServerRestore


@restores.command()
def server(
    service: Service,
    data_directory: Annotated[Path, typer.Option("--data-directory", help="Of the stopped server, on this machine.")],
    backup: Annotated[UUID | None, typer.Option("--backup", help="Which backup (default: the newest).")] = None,
    to_time: Annotated[str, typer.Option("--to-time", help="Back to a time with its zone.")] = "",
    to_lsn: Annotated[str, typer.Option("--to-lsn", help="Back to a position of the log.")] = "",
    to_point: Annotated[str, typer.Option("--to-point", help="Back to a point made by `restore point`.")] = "",
    to_latest: Annotated[bool, typer.Option("--to-latest", help="Up to the end of the archived log.")] = False,
    identity_file: Annotated[
        Path | None, typer.Option("--identity-file", help="File with the private key (default: the declared one).")
    ] = None,
    do_it: Annotated[bool, typer.Option("--start", help="Do it when nothing stands in the way.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Put the data directory that was replaced back.")] = False,
    kept: Annotated[
        Path | None, typer.Option("--kept", help="With --undo: which kept directory (default: the last restore's).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replace a lost server's data directory from a physical backup: every database of it; the old one is kept."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.restore_server import preview_server, restore_server, undo_server

    actor = local_operator()
    target = target_of(to_time, to_lsn, to_point, to_latest, None)
    if undo:
        shown = undo_server(service=service, data_directory=data_directory, actor=actor, now=utc_now(), kept=kept)
    elif do_it:
        with progress(f"server of {service}") as told:
            shown = restore_server(
                service=service,
                data_directory=data_directory,
                backup_id=backup,
                target=target,
                identity_file=identity_file,
                actor=actor,
                now=utc_now(),
                progress=told,
            )
    else:
        shown = preview_server(
            service=service,
            data_directory=data_directory,
            backup_id=backup,
            target=target,
            identity_file=identity_file,
            actor=actor,
        )
    emit(shown, as_json=as_json, show=lambda: _show(shown))
    if shown.refused:
        raise typer.Exit(5)


def _show(shown: ServerRestore) -> None:
    for found in shown.verdict:
        say(f"  {SIGNS[found.answer]} {found.words}")
    if shown.kept:
        say(f"kept: {shown.kept}")
    for number, command in enumerate(shown.commands, start=1):
        say(f"  {number}. {command}")
    if not shown.done and not shown.refused:
        note("do it with --start; the server stays stopped until you start it")
