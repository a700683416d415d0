"""`bonanca rows`: what rollbacks set aside; settle what waits for a person, and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, print_json, table

if TYPE_CHECKING:
    from bonanca.recovery.views import SetAsideView

CLI_NAME = "rows"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Rows that rollbacks set aside: list, settle, export.", no_args_is_help=True)

SetAsideId = Annotated[UUID, typer.Argument(metavar="LIST", help="The list's id, as `bonanca rows list` prints it.")]


@app.command("list")
def list_(service: Annotated[str, typer.Argument(help="The service's slug.")], as_json: JsonOption = False) -> None:
    """List what the rollbacks of a service set aside, newest first (times in UTC)."""
    _django()
    from bonanca.recovery.queries import set_asides_of

    found = set_asides_of(service)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no rollback of this service has set rows aside")
        return
    rows = [(str(f.id), f"{f.created_at:%Y-%m-%d %H:%M}", str(f.total), str(f.waiting)) for f in found]
    table(("list", "made", "rows", "waiting"), rows)


@app.command()
def show(set_aside: SetAsideId, as_json: JsonOption = False) -> None:
    """Print what became of the rows of a list, and those that wait for a person."""
    _django()
    from bonanca.recovery.queries import get_set_aside

    found = get_set_aside(set_aside)
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def settle(
    set_aside: SetAsideId,
    decision: Annotated[str, typer.Argument(help="apply: give them to the service once more; discard: let them go.")],
    rows: Annotated[list[str], typer.Option("--row", help="TABLE:KEY; may be given more than once.")],
    reason: Annotated[str, typer.Option(help="Why; the audit keeps it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Decide about rows that wait for a person."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery.operations.settle_rows import settle_rows

    chosen = [(name, key) for name, _colon, key in (row.partition(":") for row in rows)]
    found = settle_rows(set_aside, rows=chosen, decision=decision, reason=reason, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def export(
    set_aside: SetAsideId,
    out: Annotated[Path, typer.Option("--out", help="The file to write (0600); it must not exist.")],
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
) -> None:
    """Write the rows with their content to a file; who read them is in the audit chain."""
    _django()
    import os

    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Conflict
    from bonanca.recovery.operations.read_rows import read_rows

    lines = read_rows(set_aside, form=form, actor=local_operator(), now=utc_now())
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{out} is there already: nothing was written.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    typer.echo(f"written: {out}")


def _show(found: SetAsideView) -> None:
    typer.echo(f"{found.service}: {found.total} rows, set aside {found.created_at:%Y-%m-%d %H:%M} UTC")
    for outcome, count in found.counts.items():
        if count:
            typer.echo(f"  {count:6}  {outcome}")
    for row in found.undecided:
        typer.echo(f"  waits: {row.table}:{row.key}  {row.kind}, {row.outcome} {row.reason}".rstrip())


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
