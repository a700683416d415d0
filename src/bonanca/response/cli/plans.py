"""`bonanca rollback`, and the verbs that respond to an incident or ship a change: contain, uncontain, deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from bonanca.response.follow import follow
from bonanca.ui.console import JsonOption, emit, print_json, table
from bonanca.ui.references import numbered

if TYPE_CHECKING:
    from bonanca.response.queries import ContainmentView, Preview, ProposedPlanView

CLI_NAME = "rollback"
CLI_PANEL = "Change and come back"
app = typer.Typer(help="Go back to the state before a change: preview, approve, undo.", no_args_is_help=True)

Change = Annotated[int, typer.Argument(parser=numbered("CHG"), metavar="CHG", help="The change: 7 or CHG-7.")]
Incident = Annotated[int, typer.Argument(parser=numbered("INC"), metavar="INC", help="The incident: 42 or INC-42.")]
Plan = Annotated[UUID, typer.Argument(metavar="PLAN", help="The plan's id, as `bonanca rollback list` prints it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show its steps until it ends; exit 1 when it failed.")]


def register(root: typer.Typer) -> None:
    """Add verbs to the groups of the rooms below, which know nothing of containments and plans."""
    groups = {group.name: group.typer_instance for group in root.registered_groups}
    for group, verbs in {"incident": (contain, uncontain), "change": (deploy,)}.items():
        below = groups[group]
        assert below is not None  # build() adds groups by their instance
        for verb in verbs:
            below.command(verb.__name__)(verb)


def contain(
    number: Incident,
    path: Annotated[str, typer.Argument(help="The path to take out, such as /checkout.")] = "",
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="A maintenance page for the whole service instead of a path.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; shown on the timeline.")] = "",
    minutes: Annotated[float, typer.Option(min=0, help="It ends by itself after so long.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Stop the damage from spreading, at the gateway: visitors get a polite page with Retry-After."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.contain import contain as apply

    done = apply(
        incident_id=by_number(number).id,
        action="maintenance" if maintenance else "disable",
        match=path,
        expires_in_s=round(minutes * 60),
        reason=reason,
        actor=local_operator(),
        now=utc_now(),
    )
    if as_json:
        print_json(done)
        return
    typer.echo(f"{_what(done)} is contained until {done.expires_at:%H:%M:%S} UTC; to end it sooner:")
    typer.echo(f"  bonanca incident uncontain {number}")


def uncontain(
    number: Incident,
    containment: Annotated[
        UUID | None, typer.Option("--only", help="Only this containment (its id); without it, all that are active.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let requests through again: lift the incident's active containments."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.incidents.queries import by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.kernel.errors import NotFound
    from bonanca.response.operations.undo_containment import undo_containment
    from bonanca.response.queries import containments_of

    incident = by_number(number)
    of_it = [c for c in containments_of(incident.id) if containment is None or c.id == containment]
    active = [c for c in of_it if c.is_active]
    if not active and not (containment and of_it):
        raise NotFound(f"{incident.label} has no {'such' if containment else 'active'} containment.")
    lifted = [undo_containment(c.id, actor=local_operator(), now=utc_now()) for c in active or of_it]
    emit(lifted, as_json=as_json, show=lambda: typer.echo("\n".join(f"{_what(c)} is open again" for c in lifted)))


def deploy(
    number: Change,
    override: Annotated[str, typer.Option(help="Go through a closed gate; the reason is kept with the change.")] = "",
    wait: Wait = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the gates now, and start the deployment. The state before it is pinned."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.queries import by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.start_deployment import GateClosed, start_deployment

    change_id = by_number(number).id
    try:
        plan = start_deployment(change_id, override_reason=override, actor=local_operator(), now=utc_now())
    except GateClosed as closed:
        closed.hint = "To go through all the same: --override REASON."
        raise
    _started(plan, wait=wait, as_json=as_json)


@app.command()
def preview(
    number: Change,
    incident: Annotated[
        int | None, typer.Option(parser=numbered("INC"), metavar="INC", help="The incident that it is to end.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what going back before a change would mean. Nothing is touched; it waits 30 minutes for approval."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.delivery.queries import by_number
    from bonanca.incidents.queries import by_number as incident_by_number
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.propose_rollback import propose_rollback

    plan = propose_rollback(
        change_id=by_number(number).id,
        incident_id=incident_by_number(incident).id if incident is not None else None,
        actor=local_operator(),
        now=utc_now(),
    )
    emit(plan, as_json=as_json, show=lambda: _show(plan))


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only plans of this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List deployments, rollbacks and undos, newest first (times in UTC)."""
    _django()
    from bonanca.response.queries import plans

    found = plans(service=service, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("no plan has been proposed yet: `bonanca rollback preview CHG`")
        return
    rows = [(p.id, f"{p.proposed_at:%Y-%m-%d %H:%M}", p.kind, p.service, p.state, p.title) for p in found]
    table(("plan", "proposed", "kind", "service", "state", "title"), rows)


@app.command()
def show(plan: Plan, as_json: JsonOption = False) -> None:
    """Print a plan with its preview and what became of it."""
    _django()
    from bonanca.response.queries import get_plan

    found = get_plan(plan)
    emit(found, as_json=as_json, show=lambda: _show(found))


@app.command()
def approve(plan: Plan, wait: Wait = False, as_json: JsonOption = False) -> None:
    """Approve a plan as it was previewed, and start it."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.approve_plan import approve_plan

    _started(approve_plan(plan, actor=local_operator(), now=utc_now()), wait=wait, as_json=as_json)


@app.command()
def withdraw(plan: Plan, as_json: JsonOption = False) -> None:
    """Take back a plan that nobody has approved."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.withdraw_plan import withdraw_plan

    found = withdraw_plan(plan, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: typer.echo(f"withdrawn: {found.title}"))


@app.command()
def undo(plan: Plan, as_json: JsonOption = False) -> None:
    """Preview taking an ended rollback back; it waits for approval like the rollback did."""
    _django()
    from bonanca.access.actors import local_operator
    from bonanca.kernel.clock import utc_now
    from bonanca.response.operations.propose_undo import propose_undo

    found = propose_undo(plan, actor=local_operator(), now=utc_now())
    emit(found, as_json=as_json, show=lambda: _show(found))


def _django() -> None:
    from bonanca.kernel.boot import setup_django

    setup_django()


def _what(containment: ContainmentView) -> str:
    return containment.match or f"the whole of {containment.service}"


def _started(plan: ProposedPlanView, *, wait: bool, as_json: bool) -> None:
    """Say that it runs, or wait for its end; a failed plan exits with 1."""
    if wait:
        plan = follow(plan.id)
    elif not as_json:
        typer.echo(f"started: {plan.title}\n  bonanca plan show {plan.run_id}")
        return
    emit(plan, as_json=as_json, show=lambda: typer.echo(f"{plan.state}: {plan.title}"))
    if wait and plan.state != "succeeded":
        typer.echo(f"{plan.error}\n  go on from the failed step: bonanca plan retry {plan.run_id}", err=True)
        raise typer.Exit(1)


def _show(plan: ProposedPlanView) -> None:
    typer.echo(f"{plan.title}\n  {plan.kind} of {plan.service}, {plan.state}, by {plan.proposed_by}")
    if plan.approved_at:
        typer.echo(f"  approved by {plan.approved_by} at {plan.approved_at:%Y-%m-%d %H:%M:%S} UTC")
    if plan.finished_at:
        typer.echo(f"  ended at {plan.finished_at:%Y-%m-%d %H:%M:%S} UTC")
    if plan.error:
        typer.echo(f"  {plan.error}")
    _show_preview(plan.preview)
    if plan.waits_for_approval:
        typer.echo(f"\nWaits for approval until {plan.expires_at:%H:%M:%S} UTC:")
        typer.echo(f"  bonanca rollback approve {plan.id} --wait")
    elif plan.run_id:
        typer.echo(f"\nIts progress: bonanca plan show {plan.run_id}")


def _show_preview(preview: Preview) -> None:
    from django.utils.translation import gettext

    typer.echo(f"\nCode    {preview.code_from[:12] or 'nothing'} → {preview.code_to[:12] or 'nothing'}")
    if preview.pinned_at:
        typer.echo(f"Data    as of {preview.pinned_at:%Y-%m-%d %H:%M:%S} UTC; what is replaced is kept")
    for at_risk in preview.rows_at_risk:
        if at_risk.problem:
            typer.echo(f"  {at_risk.table}: could not be counted: {at_risk.problem}")
        else:
            changed = f", {at_risk.changed} changed" if at_risk.changed is not None else ""
            typer.echo(f"  {at_risk.table}: {at_risk.written_since} rows written since{changed}; they are set aside")
    if preview.config_diff:
        typer.echo("Configuration")
        typer.echo("\n".join(f"  {line}" for line in preview.config_diff.splitlines()))
    for check in preview.checks:
        typer.echo(f"{'holds  ' if check.passed else 'FAILS  '} {check.words}")
    typer.echo(f"\nSteps, about {preview.expected_s:.0f} s in all")
    for step in preview.steps:
        took = f"{step.expected_s:6.1f} s" if step.expected_s is not None else "       ?"
        typer.echo(f"  {took}  {gettext(step.title) if step.title else step.key}")
