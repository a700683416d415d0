"""`bonanca drill`: which services could come back, their drills, and starting one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.ui.console import JsonOption, emit, note, say, table

if TYPE_CHECKING:
    from bonanca.recovery.views import DrillView, Readiness

CLI_NAME = "drill"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Drills: what is restored for proof, how fast, and what is overdue.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="The service's slug.")]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a service is not as it should be.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Every service that declares a backup: its marks, recovery time and point against their objectives."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.catalog.queries import get_service
    from bonanca.kernel.clock import utc_now
    from bonanca.recovery import queries

    if service is not None:
        get_service(service)  # a mistyped name is an error, not an empty list
    rows = [row for row in queries.readiness(utc_now()) if service in (None, row.service)]

    def shown() -> None:
        if not rows:
            say("no service declares a backup: add database and backup in bonanca.yaml and run `bonanca apply`")
            return
        table(
            ("service", "backup", "drill", "back in (RTO)", "lost at most (RPO)", "last drill", "next"), map(_row, rows)
        )

    emit(rows, as_json=as_json, show=shown)
    bad = [row for row in rows if not row.ok]
    if check and bad:
        for row in bad:
            note(f"{row.service}: {row.backup_mark.value} backup, {row.drill_mark.value} drill")
        raise typer.Exit(1)


@app.command()
def history(
    service: Service,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The service's drills, newest first."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.catalog.queries import get_service
    from bonanca.recovery import queries

    get_service(service)
    drills = queries.list_drills(service, limit=limit)

    def shown() -> None:
        if not drills:
            say(f"{service} was never drilled: bonanca drill start {service}")
            return
        columns = ("id", "begun", "state", "back in", "by", "error")
        table(columns, map(_past, drills))

    emit(drills, as_json=as_json, show=shown)


@app.command()
def show(drill_id: Annotated[UUID, typer.Argument(help="The drill's id.")], as_json: JsonOption = False) -> None:
    """One drill with its evidence: what was asked and answered, places read, seconds of each phase."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.recovery import queries

    drill = queries.get_drill(drill_id)
    emit(drill, as_json=as_json, show=lambda: _show(drill))


@app.command()
def start(
    service: Service,
    random: Annotated[bool, typer.Option("--random", help="Any backup that can be restored, not the newest.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Have a worker restore a backup into a scratch server and check it; says which plan does it."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.ids import new_id
    from bonanca.recovery.operations.start_due_drills import drill_service

    run = drill_service(
        service=service,
        actor=local_operator(),
        now=utc_now(),
        key=f"drill:{service}:asked:{new_id()}",
        pick="random" if random else None,
    )
    result = {"plan_id": run.id, "state": run.state}
    emit(result, as_json=as_json, show=lambda: say(f"plan {run.id}: bonanca plan show {run.id}"))


def _row(row: Readiness) -> tuple[object, ...]:
    found = row.objectives
    passed = row.last_passed
    return (
        row.service,
        row.backup_mark.value,
        row.drill_mark.value,
        _against(found.rto_measured_s, found.rto_s),
        _against(found.rpo_measured_s, found.rpo_s),
        f"{passed.started_at:%Y-%m-%d %H:%M} UTC" if passed else "never",
        f"{row.next_drill_at:%Y-%m-%d %H:%M} UTC" if row.next_drill_at else "",
    )


def _past(drill: DrillView) -> tuple[object, ...]:
    begun = f"{drill.started_at:%Y-%m-%d %H:%M} UTC"
    return (drill.id, begun, drill.state.value, _s(drill.restore_seconds), drill.run_by, drill.error[:80])


def _against(measured: float | None, objective: float | None) -> str:
    return _s(measured) + (f" of {_s(objective)}" if objective is not None else "")


def _s(seconds: float | None) -> str:
    from bonanca.ui.formats import duration_text

    return "-" if seconds is None else duration_text(seconds)


def _show(drill: DrillView) -> None:
    from bonanca.recovery import queries

    say(f"{drill.id}  {drill.service}  {drill.state.value}")
    say(f"  begun     {drill.started_at:%Y-%m-%d %H:%M:%S} UTC by {drill.run_by}, of backup {drill.backup_id}")
    found = queries.objectives_in(drill)
    say(f"  back in   {_against(found.rto_measured_s or drill.restore_seconds, found.rto_s)} (RTO)")
    say(f"  lost      {_against(found.rpo_measured_s, found.rpo_s)} at most (RPO)")
    for phase, seconds in drill.evidence.get("seconds", {}).items():
        say(f"  {phase:<9} {_s(seconds)}")
    for place in drill.evidence.get("replicas", []):
        say(f"  {'intact' if place['ok'] else 'BROKEN':<9} {place['place']} {place['error']}")
    for check in drill.evidence.get("checks", []):
        words = "held" if check["ok"] else "NOT HELD"
        say(f"  {words:<9} {check['name']}: expected {check['expected']}, got {check['error'] or check['got']}")
    if drill.error:
        say(f"  error     {drill.error}")
