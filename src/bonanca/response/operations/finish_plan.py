"""What a finished run means for the plan, its change and those who listen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import SYSTEM, Actor
from bonanca.delivery.operations.move_change import mark_deployed, mark_failed, mark_rolled_back
from bonanca.delivery.queries import get_change
from bonanca.delivery.state import ChangeState
from bonanca.durable import queries as durable
from bonanca.durable.errors import PlanNotFound
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish
from bonanca.response.events import PlanFinished
from bonanca.response.models import ProposedPlan
from bonanca.response.queries import ProposedPlanView, plan_of_run, plan_view
from bonanca.response.state import PlanKind, PlanState


@transaction.atomic
def finish_plan(run_id: UUID, *, now: datetime) -> ProposedPlanView | None:
    """Record the outcome of a plan whose durable run has ended; None when the run is not one of ours.

    Called again for the same run it changes nothing, except that a failed plan which was retried
    becomes a successful one. A rollback that was undone at the plan itself (`bonanca plan undo`), without a
    preview, is written down here, so that its change does not go on saying that it was taken back; so is a
    deployment that was aborted or undone there.
    """
    try:
        run = durable.get_run(run_id)
    except PlanNotFound:
        return None
    plan = plan_of_run(run_id) or _undone_at_the_plan(run, now)
    if plan is None:
        return None
    if not run.finished:
        return plan  # told late, of an end after which it was retried: the next end tells
    outcome = PlanState.SUCCEEDED if run.state is RunState.SUCCEEDED else PlanState.FAILED
    moved = (
        ProposedPlan.objects.filter(id=plan.id, state__in=[PlanState.RUNNING, PlanState.FAILED])
        .exclude(state=outcome)
        .update(state=outcome, finished_at=run.finished_at or now, error=run.error)
    )
    if not moved:
        return plan
    actor = SYSTEM("worker")
    _tell_change(plan, outcome, actor, now)
    audit.record(
        aggregate=f"response-plan:{plan.id}",
        action=f"response.plan.{outcome}",
        actor=actor.label,
        facts={"run": run_id, "error": run.error},
        now=now,
    )
    publish(
        PlanFinished(
            plan_id=plan.id,
            kind=plan.kind,
            service=plan.service,
            title=plan.title,
            outcome=outcome,
            error=run.error,
            at=run.finished_at or now,
            incident_id=plan.incident_id,
            change_id=plan.change_id,
            title_phrase=plan.title_phrase,
        ),
        now=now,
    )
    return plan_view(ProposedPlan.objects.get(id=plan.id))


def _undone_at_the_plan(run: PlanRunView, now: datetime) -> ProposedPlanView | None:
    original = plan_of_run(run.undo_of) if run.undo_of is not None else None
    if original is not None and original.kind == PlanKind.DEPLOYMENT:
        _deployment_taken_back(original, run, now)
        return None
    if original is None or original.kind != PlanKind.ROLLBACK:
        return None
    row = ProposedPlan.objects.create(
        kind=PlanKind.UNDO,
        service=original.service,
        team=original.team,
        title=run.title[:200],
        title_phrase=run.title_phrase,
        incident_id=original.incident_id,
        change_id=original.change_id,
        pin_id=original.pin_id,
        undoes_id=original.id,
        # It ends in this same transaction; until then it must not stand in the way of a plan that runs.
        state=PlanState.FAILED,
        proposed_by=run.created_by,
        proposed_at=run.created_at,
        expires_at=now,
        approved_by=run.created_by,
        approved_at=run.created_at,
        finished_at=run.finished_at,
        error=run.error,
        run_id=run.id,
    )
    return plan_view(row)


def _deployment_taken_back(original: ProposedPlanView, run: PlanRunView, now: datetime) -> None:
    """A deployment that was aborted or undone at the plan itself: its change is not out any more."""
    if run.state is not RunState.SUCCEEDED or original.change_id is None:
        return
    if get_change(original.change_id).state in (ChangeState.DEPLOYED, ChangeState.FAILED):
        mark_rolled_back(original.change_id, actor=SYSTEM("worker"), now=now)


def _tell_change(plan: ProposedPlanView, outcome: PlanState, actor: Actor, now: datetime) -> None:
    """Move the change, unless it stands there: the outcome of a plan is recorded whatever became of its change."""
    if plan.change_id is None:
        return
    state = get_change(plan.change_id).state
    done = outcome == PlanState.SUCCEEDED
    if plan.kind == PlanKind.DEPLOYMENT:
        if state != (ChangeState.DEPLOYED if done else ChangeState.FAILED):
            (mark_deployed if done else mark_failed)(plan.change_id, actor=actor, now=now)
    elif plan.kind == PlanKind.ROLLBACK:
        if done and state != ChangeState.ROLLED_BACK:
            mark_rolled_back(plan.change_id, actor=actor, now=now)
    elif done and state == ChangeState.ROLLED_BACK:
        # The undo of a rollback that had failed leaves the change as it was.
        mark_deployed(plan.change_id, actor=actor, now=now)
