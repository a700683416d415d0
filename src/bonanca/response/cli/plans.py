"""`bonanca rollback`: look, ask for it, approve, undo."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from bonanca.response.cli._show import django, show_approvers, show_criteria, show_plan, show_preview, started
from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

CLI_NAME = "rollback"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Go back to the state before a change: preview, approve, undo.", no_args_is_help=True)

Change = Annotated[int, typer.Argument(parser=numbered("CHG"), metavar="CHG", help="The change: 7 or CHG-7.")]
Incident = Annotated[
    int | None,
    typer.Option("--incident", parser=numbered("INC"), metavar="INC", help="The incident that it ends."),
]
Strategy = Annotated[
    str,
    typer.Option(help="The data: instant, point_in_time, logical or keep_data; default: the declared strategy."),
]
Plan = Annotated[UUID, typer.Argument(metavar="PLAN", help="The plan's id, as `bonanca rollback list` prints it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show its steps until it ends; exit 1 when it failed.")]


@app.command()
def preview(
    target: Annotated[str, typer.Argument(metavar="SERVICE|CHG", help="A change, or a service: its newest change.")],
    incident: Incident = None,
    strategy: Strategy = "",
    as_json: JsonOption = False,
) -> None:
    """Say what going back before a change would mean. Nothing is touched, nothing is written."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.queries import by_number
    from bonanca.incidents.queries import by_number as incident_by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.draw_up_rollback import draw_up_rollback, newest_out

    number = target.upper().removeprefix("CHG-")
    change = by_number(numbered("CHG")(target)) if number.isdecimal() else newest_out(target)
    draft = draw_up_rollback(
        change.id,
        incident_id=incident_by_number(incident).id if incident is not None else None,
        strategy=strategy,
        actor=local_operator(),
        now=utc_now(),
    )
    if as_json:
        print_json(
            {
                "service": draft.service.slug,
                "change": change.number,
                "preview": draft.preview,
                "outcome": draft.preview.criteria.outcome,
            }
        )
        return
    typer.echo(f"{draft.title}\n  {change.label}, strategy {draft.preview.strategy}; nothing was written")
    show_criteria(draft.preview.criteria)
    show_preview(draft.preview)
    show_approvers(draft.service.team_slug, draft.preview)
    typer.echo(f"\nTo have it approved: bonanca rollback propose {change.label} --strategy {draft.preview.strategy}")


@app.command()
def propose(
    number: Change,
    incident: Incident = None,
    strategy: Strategy = "",
    reason: Annotated[str, typer.Option(help="Why; told to the people concerned. Default: the incident's title.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Keep what going back before a change would mean for approval, for 30 minutes. Nothing is touched yet."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.queries import by_number
    from bonanca.incidents.queries import by_number as incident_by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.propose_rollback import propose_rollback

    plan = propose_rollback(
        change_id=by_number(number).id,
        incident_id=incident_by_number(incident).id if incident is not None else None,
        strategy=strategy,
        reason=reason,
        actor=local_operator(),
        now=utc_now(),
    )
    emit(plan, as_json=as_json, show=lambda: show_plan(plan))


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only plans of this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List deployments, rollbacks and undos, newest first (times in UTC)."""
    django()
    from bonanca.response.queries import plans

    found = plans(service=service, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no plan has been proposed yet: `bonanca rollback propose CHG`")
        return
    rows = [(p.id, f"{p.proposed_at:%Y-%m-%d %H:%M}", p.kind, p.service, p.state, p.title) for p in found]
    table(("plan", "proposed", "kind", "service", "state", "title"), rows)


@app.command()
def show(plan: Plan, as_json: JsonOption = False) -> None:
    """Print a plan with its preview and what became of it."""
    django()
    from bonanca.response.queries import get_plan

    found = get_plan(plan)
    emit(found, as_json=as_json, show=lambda: show_plan(found))


@app.command()
def approve(
    plan: Plan,
    override: Annotated[str, typer.Option(help="Go on against criteria that forbid it; the audit keeps why.")] = "",
    wait: Wait = False,
    as_json: JsonOption = False,
) -> None:
    """Approve a plan as it was previewed, and start it."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.approve_plan import approve_plan

    found = approve_plan(plan, override_reason=override, via="command", actor=local_operator(), now=utc_now())
    started(found, wait=wait, as_json=as_json)


@app.command()
def answer(
    plan: Plan,
    rule: Annotated[str, typer.Argument(help="Such as data, compliance, reputation: see `bonanca rollback show`.")],
    opinion: Annotated[str, typer.Argument(help="for, against or unknown.")],
    because: Annotated[str, typer.Option(help="Why; kept with the plan.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what no instrument measures about a rollback that waits for approval."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.answer_criterion import answer_criterion

    found = answer_criterion(plan, rule=rule, opinion=opinion, words=because, actor=local_operator(), now=utc_now())
    emit(found.criteria, as_json=as_json, show=lambda: show_criteria(found.criteria))


@app.command()
def withdraw(plan: Plan, as_json: JsonOption = False) -> None:
    """Take back a plan that nobody has approved."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.withdraw_plan import withdraw_plan

    found = withdraw_plan(plan, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: typer.echo(f"withdrawn: {found.title}"))


@app.command()
def undo(plan: Plan, as_json: JsonOption = False) -> None:
    """Preview taking an ended rollback back; it waits for approval like the rollback did."""
    django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.propose_undo import propose_undo

    found = propose_undo(plan, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: show_plan(found))
