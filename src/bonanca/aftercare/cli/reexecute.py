"""`bonanca reexecute`: list what failed in a period, choose, run it again, and report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

if TYPE_CHECKING:
    from bonanca.aftercare.views import ReexecutionView

CLI_NAME = "reexecute"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="Failed jobs, messages and requests: list, choose, run again, report.", no_args_is_help=True)

ListId = Annotated[UUID, typer.Argument(metavar="LIST", help="The list's id, as `bonanca reexecute list` prints it.")]
Incident = Annotated[
    int | None, typer.Option(parser=numbered("INC"), metavar="INC", help="The incident whose time is looked at.")
]
Moment = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Print the lists that were made, newest first (times in UTC)."""
    _django()
    from bonanca.aftercare.queries import reexecutions

    found = reexecutions(service=service, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("nothing that failed has been listed")
        return
    rows = [
        (str(f.id), f.service, f.state, f"{f.listed_at:%Y-%m-%d %H:%M}", str(f.total), str(f.in_effect), str(f.failed))
        for f in found
    ]
    table(("list", "service", "state", "listed", "found", "in effect", "failed"), rows)


@app.command()
def find(
    service: Annotated[str, typer.Argument(help="The service's slug.")],
    incident: Incident = None,
    since: Annotated[datetime | None, typer.Option(formats=Moment, help="From when on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=Moment, help="Until when (UTC); without it, now.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what failed in the time of an incident, or in any; nothing is run yet."""
    _django()
    from datetime import UTC

    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.list_failed import list_failed
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    made = list_failed(
        service,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
        incident_id=by_number(incident).id if incident is not None else None,
        actor=local_operator(),
        now=utc_now(),
    )
    emit(made, as_json=as_json, show=lambda: _show(made))


@app.command()
def show(
    reexecution: ListId,
    items: Annotated[int, typer.Option(min=0, max=1000, help="How many of its items.")] = 0,
    state: Annotated[str, typer.Option(help="Only items of this outcome, such as failed.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print what a list found by source and outcome, and some of its items."""
    _django()
    from bonanca.aftercare.queries import get_reexecution, items_of

    found = get_reexecution(reexecution)
    chosen = items_of(reexecution, state=state, limit=items) if items else ()
    if as_json:
        print_json({"list": found, "items": chosen})
        return
    _show(found)
    for item in chosen:
        typer.echo(f"  {item.source}:{item.key}  {item.state}  {item.label}  {item.reason}".rstrip())


@app.command()
def choose(
    reexecution: ListId,
    take: Annotated[bool, typer.Option("--take/--leave-out", help="Take them in, or leave them out.")],
    source: Annotated[str, typer.Option(help="Only of this source.")] = "",
    matching: Annotated[str, typer.Option(help="Only with these words in key or label.")] = "",
    reason: Annotated[str, typer.Option(help="Why they are left out.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Choose what is run: all, of a source, or with some words."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.choose_items import choose_items
    from bonanca.kernel.clock import utc_now

    actor, now = local_operator(), utc_now()
    found = choose_items(reexecution, take=take, source=source, matching=matching, reason=reason, actor=actor, now=now)
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def start(
    reexecution: ListId,
    rate: Annotated[float | None, typer.Option(help="At most so many a second.")] = None,
    stop_percent: Annotated[float | None, typer.Option(help="Stop when more percent of the last ones fail.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the chosen ones again, in the background: `bonanca plan` follows, pauses, resumes and cancels it."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.start_reexecution import start_reexecution
    from bonanca.kernel.clock import utc_now

    found = start_reexecution(
        reexecution, rate_per_s=rate, stop_percent=stop_percent, actor=local_operator(), now=utc_now()
    )
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def withdraw(reexecution: ListId, as_json: JsonOption = False) -> None:
    """Run none of them; what was listed is kept."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.withdraw_reexecution import withdraw_reexecution
    from bonanca.kernel.clock import utc_now

    found = withdraw_reexecution(reexecution, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def report(
    reexecution: ListId,
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write (0600); it must not exist.")],
    contents: Annotated[
        bool, typer.Option("--contents", help="With what is sent; the audit says who read it.")
    ] = False,
) -> None:
    """Write what became of each of them to a CSV file."""
    _django()
    import os

    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.read_items import read_items
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import Conflict

    lines = read_items(reexecution, contents=contents, actor=local_operator(), now=utc_now())
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{out} is there already: nothing was written.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    typer.echo(f"written: {out}")


def _show(found: ReexecutionView) -> None:
    typer.echo(f"{found.id}  {found.service}: {found.state}, {found.since:%Y-%m-%d %H:%M:%S} to {found.until:%H:%M:%S}")
    for source, counts in found.sources.items():
        typer.echo(f"  {source}: " + ", ".join(f"{count} {state}" for state, count in counts.items() if count))
    if not found.total:
        typer.echo("  nothing failed in this time")
    for problem in found.problems:
        typer.echo(f"  {problem['source']}: {problem['error']}")
    if found.run_id is not None:
        typer.echo(f"  plan {found.run_id}: at most {found.rate_per_s:g} a second")
    if found.error:
        typer.echo(f"  {found.error}")


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
