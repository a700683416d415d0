"""`bonanca watch`: services that are looked at closer than usual after a rollback or an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

if TYPE_CHECKING:
    from bonanca.aftercare.views import SampleView, WatchView

CLI_NAME = "watch"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="Closer looks after a rollback or an incident: list, begin, end.", no_args_is_help=True)

WatchId = Annotated[UUID, typer.Argument(metavar="WATCH", help="The watch's id, as `bonanca watch list` prints it.")]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    on: Annotated[bool, typer.Option("--on", help="Only those that are on.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List closer looks: those that are on first, then the newest (times in UTC)."""
    _django()
    from bonanca.aftercare.queries import watches
    from bonanca.aftercare.state import WatchState

    found = watches(service=service, state=WatchState.WATCHING if on else None, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("nothing is watched closer" if on else "nothing has been watched closer")
        return
    columns = ("watch", "service", "state", "origin", "begun", "until", "failed", "checks")
    table(columns, [_row(one) for one in found])


@app.command()
def show(
    watch: WatchId,
    minutes: Annotated[int, typer.Option(min=0, max=50_000, help="How many of its last minutes.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Print a closer look: thresholds, what was counted and found, its last minutes (times in UTC)."""
    _django()
    from bonanca.aftercare.queries import get_watch, samples_of

    found = get_watch(watch)
    samples = samples_of(watch, limit=minutes) if minutes else ()
    if as_json:
        print_json({"watch": found, "minutes": samples})
        return
    _show(found)
    for sample in samples:
        typer.echo(_minute(sample))


@app.command()
def start(
    service: Annotated[str, typer.Argument(help="The service's slug.")],
    hours: Annotated[
        float | None, typer.Option(help="For how many hours; without it, as the service declares.")
    ] = None,
    incident: Annotated[
        int | None, typer.Option(parser=numbered("INC"), metavar="INC", help="The incident that it follows.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look closer at a service for a while; one that is being watched is watched longer."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.start_watch import start_watch
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    incident_id = by_number(incident).id if incident is not None else None
    begun = start_watch(service, hours=hours, incident_id=incident_id, actor=local_operator(), now=utc_now())
    emit(begun, as_json=as_json, show=lambda: _show(begun))


@app.command()
def end(
    watch: WatchId,
    reason: Annotated[str, typer.Option(help="Why; the record keeps it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Stop looking closer before the time is over."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.aftercare.operations.end_watch import end_watch
    from bonanca.kernel.clock import utc_now

    found = end_watch(watch, reason=reason, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


def _row(one: WatchView) -> tuple[str, ...]:
    until = one.ended_at or one.until
    failed = f"{one.failed}/{one.requests}"
    return (
        str(one.id),
        one.service,
        one.state,
        one.origin,
        f"{one.started_at:%Y-%m-%d %H:%M}",
        f"{until:%Y-%m-%d %H:%M}",
        failed,
        str(one.checks),
    )


def _show(one: WatchView) -> None:
    typer.echo(f"{one.id}  {one.service}: {one.state} ({one.origin}), begun {one.started_at:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo(f"  until         {one.until:%Y-%m-%d %H:%M:%S}")
    typer.echo(f"  thresholds    burn rates x {one.tighten:g}, windows x {one.shorten:g}")
    typer.echo(f"  counted       {one.failed} of {one.requests} requests failed, {one.checks} checks asked")
    typer.echo(f"  nearest       {100 * one.worst_share:.0f} % of a tightened threshold")
    if one.unseen_s >= 1:
        typer.echo(f"  not seen      {one.unseen_s:.0f} s")
    for finding in one.findings:
        typer.echo(f"  found         {finding.at:%H:%M:%S} {finding.words}")
    if one.ended_at is not None:
        typer.echo(f"  ended         {one.ended_at:%Y-%m-%d %H:%M:%S} by {one.ended_by} {one.end_reason}".rstrip())


def _minute(sample: SampleView) -> str:
    near = "not seen" if sample.share is None else f"{100 * sample.share:.0f} %"
    failing = "".join(f"; {one['name']} ({one['where']}): {one['found']}" for one in sample.failing)
    return f"  {sample.at:%H:%M:%S}  {sample.failed}/{sample.requests} failed, {near} of a threshold{failing}"


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()
