"""`bonanca incident`: what burns, and the life of an incident from a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

if TYPE_CHECKING:
    from bonanca.incidents.queries import IncidentView

CLI_NAME = "incident"
CLI_PANEL = "Run an incident"
app = typer.Typer(help="Incidents: what burns, who is on it, what was done.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(parser=numbered("INC"), metavar="INC", help="The incident: 42 or INC-42.")]
Reason = Annotated[str, typer.Option(help="Why; shown on the timeline.")]


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over, newest first.")] = False,
    service: Annotated[str | None, typer.Option(help="Only incidents of this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what burns, worst first."""
    _django()
    from bonanca.incidents import queries
    from bonanca.kernel.clock import utc_now

    found = queries.recent_incidents(service=service, limit=limit) if everything else queries.open_incidents()
    wanted = [i for i in found if service is None or i.service == service][:limit]
    if as_json:
        print_json(wanted)
        return
    if not wanted:
        of = f" of {service}" if service else ""
        typer.echo(f"there has been no incident{of}" if everything else f"nothing burns{of}")
        return
    now = utc_now()
    columns = ("incident", "severity", "state", "service", "for", "commander", "title")
    table(
        columns,
        [
            (i.label, i.severity, i.state, i.service, _span(i.duration_s(now)), i.commander_name or "-", i.title)
            for i in wanted
        ],
    )


@app.command("open")
def open_(
    title: Annotated[str, typer.Argument(help="What is wrong, in the words of who suffers it.")],
    service: Annotated[str, typer.Option(help="The service that fails, as `bonanca.yaml` calls it.")],
    severity: Annotated[str, typer.Option(help="critical, high, medium or low.")] = "high",
    started_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S"], help="When it began (UTC); without it, now.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Open an incident: its team is paged, the status page tells it, suspects are named."""
    _django()
    from datetime import UTC

    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.open_incident import open_incident
    from bonanca.kernel.clock import utc_now

    opened = open_incident(
        title=title,
        service=service,
        severity=severity,
        started_at=started_at.replace(tzinfo=UTC) if started_at else None,
        source="cli",
        actor=local_operator(),
        now=utc_now(),
    )
    emit(opened, as_json=as_json, show=lambda: typer.echo(f"{opened.label} is open: {_summary(opened)}"))


@app.command()
def show(number: Number, as_json: JsonOption = False) -> None:
    """Print one incident: its state, moments, suspects and timeline (times in UTC)."""
    _django()
    from bonanca.incidents import queries

    found = queries.by_number(number)
    suspects, entries = queries.suspects(found.id), queries.timeline(found.id)
    if as_json:
        print_json({"incident": found, "suspects": suspects, "timeline": entries})
        return
    typer.echo(f"{found.label}  {found.title}")
    typer.echo(f"  {_summary(found)}")
    typer.echo(f"  commander     {found.commander_name or 'nobody yet'}")
    names = ("started", "detected", "acknowledged", "contained", "mitigated", "resolved", "closed")
    moments = [(moment, name) for name in names if (moment := getattr(found, f"{name}_at")) is not None]
    for moment, name in sorted(moments, key=lambda one: one[0]):
        after = "" if name == "started" else f"  (+{_span((moment - found.started_at).total_seconds())})"
        typer.echo(f"  {name:<13} {moment:%Y-%m-%d %H:%M:%S}{after}")
    typer.echo("\nSuspects")
    for suspect in suspects:
        typer.echo(f"  {suspect.title} ({suspect.version}): {'; '.join(suspect.reason_texts)}")
    if not suspects:
        typer.echo("  no change reached the service in the day before")
    typer.echo("\nTimeline")
    for entry in entries:
        typer.echo(f"  {entry.at:%H:%M:%S}  {entry.text}  [{entry.actor}]")


@app.command()
def ack(number: Number, as_json: JsonOption = False) -> None:
    """Say that you are on it; its pages count as answered."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.acknowledge import acknowledge
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    _emit(acknowledge(by_number(number).id, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def note(
    number: Number,
    text: Annotated[str, typer.Argument(help="What you saw or did; - reads it from standard input.")],
    as_json: JsonOption = False,
) -> None:
    """Add a note to the timeline."""
    _django()
    import sys

    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.record_timeline import add_note
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    found = by_number(number)
    add_note(found.id, text=sys.stdin.read() if text == "-" else text, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: typer.echo(f"noted on {found.label}"))


@app.command()
def severity(
    number: Number,
    severity: Annotated[str, typer.Argument(help="critical, high, medium or low.")],
    reason: Reason = "",
    as_json: JsonOption = False,
) -> None:
    """Change how bad it is."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.change_severity import change_severity
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    incident_id = by_number(number).id
    changed = change_severity(incident_id, severity=severity, reason=reason, actor=local_operator(), now=utc_now())
    _emit(changed, as_json)


@app.command()
def commander(
    number: Number,
    email: Annotated[str, typer.Argument(help="E-mail address of who leads from now on.")],
    as_json: JsonOption = False,
) -> None:
    """Name the Incident Commander."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.assign_commander import assign_commander
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    named = assign_commander(by_number(number).id, email=email, actor=local_operator(), now=utc_now())
    emit(named, as_json=as_json, show=lambda: typer.echo(f"{named.commander_name} commands {named.label}"))


@app.command()
def resolve(
    number: Number,
    reason: Reason = "",
    watch_for_h: Annotated[
        float | None,
        typer.Option(
            "--watch-for-h", help="Hours of a closer look at its service; 0: none. Without it, as the service declares."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say that it is over for its users; its post-mortem is drafted, and its service watched closer for a while."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.resolve_incident import resolve_incident
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    incident_id, actor = by_number(number).id, local_operator()
    _emit(resolve_incident(incident_id, reason=reason, watch_for_h=watch_for_h, actor=actor, now=utc_now()), as_json)


@app.command()
def close(number: Number, reason: Reason = "", as_json: JsonOption = False) -> None:
    """Close a resolved incident: nothing is left to do."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.close_incident import close_incident
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    _emit(close_incident(by_number(number).id, reason=reason, actor=local_operator(), now=utc_now()), as_json)


@app.command()
def reopen(number: Number, reason: Reason = "", as_json: JsonOption = False) -> None:
    """It was not over: take it back to acknowledged."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.operations.reopen_incident import reopen_incident
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now

    _emit(reopen_incident(by_number(number).id, reason=reason, actor=local_operator(), now=utc_now()), as_json)


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()


def _emit(found: IncidentView, as_json: bool) -> None:
    emit(found, as_json=as_json, show=lambda: typer.echo(f"{found.label}: {_summary(found)}"))


def _summary(found: IncidentView) -> str:
    return f"{found.severity} ({found.short_severity}), {found.state}, {found.service} of team {found.team}"


def _span(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 12 min, 3 h 05 min."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
