"""Take a rollback back: forth again, with the same care."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import RollbackSpec
from bonanca.durable import queries as durable
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.views import StepView
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.queries import rows_since_swap
from bonanca.response.compilers.around import UNDO_GUESS_S
from bonanca.response.compilers.preview import four_eyes_of, shown_tables, to_json
from bonanca.response.events import PlanProposed
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.propose_rollback import VALID_FOR
from bonanca.response.queries import (
    CheckResult,
    Preview,
    ProposedPlanView,
    StepPreview,
    TableAtRisk,
    get_plan,
    plan_view,
)
from bonanca.response.state import PlanKind, PlanState
from bonanca.running.times import with_expected_times
from bonanca.ui.phrases import Phrase

UNDO = gettext_noop("Undo: %(title)s")
ASIDE = gettext_noop(
    "Rows written since the rollback are set aside: a person decides on their list which are applied again"
)
DATA_KINDS = ("recovery.restore_pin", "recovery.restore_place")
KEPT = gettext_noop("What is replaced now was kept: it comes back byte for byte, and what replaced it is kept in turn")


class NothingToUndo(Conflict):
    """The plan has not ended, is no rollback, or was undone already."""


def propose_undo(plan_id: UUID, *, actor: Actor, now: datetime) -> ProposedPlanView:
    """Preview the undo of a finished or failed rollback; it waits for approval like the rollback did.

    Raises:
        NotFound: there is no such plan.
        NotAllowed: the actor may not act on the service.
        NothingToUndo: the plan has not ended, is no rollback, or was undone already.
    """
    plan = get_plan(plan_id)
    require(actor, Permission.RESPOND, team=plan.team)
    if plan.kind != PlanKind.ROLLBACK or plan.state not in (PlanState.SUCCEEDED, PlanState.FAILED) or not plan.run_id:
        raise NothingToUndo(_("Only a rollback that has ended can be undone."))
    _refuse_again(plan)
    # The service's database is asked before anything is written here.
    return _keep(plan, _shown(plan), actor, now)


def _refuse_again(plan: ProposedPlanView) -> None:
    if ProposedPlan.objects.filter(undoes_id=plan.id, state__in=[PlanState.RUNNING, PlanState.SUCCEEDED]).exists():
        raise NothingToUndo(_("This rollback has been undone already."))


@transaction.atomic
def _keep(plan: ProposedPlanView, shown: Preview, actor: Actor, now: datetime) -> ProposedPlanView:
    _refuse_again(plan)
    title = Phrase(UNDO, {"title": plan.title_phrase or plan.title})
    row = ProposedPlan.objects.create(
        kind=PlanKind.UNDO,
        service=plan.service,
        team=plan.team,
        title=str(title)[:200],
        title_phrase=title.to_json(),
        incident_id=plan.incident_id,
        change_id=plan.change_id,
        pin_id=plan.pin_id,
        undoes_id=plan.id,
        preview=to_json(shown),
        proposed_by=actor.label,
        proposed_at=now,
        expires_at=now + VALID_FOR,
    )
    _told(row, plan, shown, actor, now)
    return plan_view(row)


def _shown(plan: ProposedPlanView) -> Preview:
    assert plan.run_id is not None  # it has ended, so it had a run
    done = [step for step in durable.get_run(plan.run_id).steps if step.attempts > 0]
    tables = _written_since(plan.service, done)
    checks = [CheckResult(True, KEPT)]
    if any(table.problem or table.changed is None or table.written_since or table.changed for table in tables):
        checks.append(CheckResult(True, ASIDE, warns=True))
    declared = get_service(plan.service).rollback or RollbackSpec()
    shown = Preview(
        code_from=plan.preview.code_to,
        code_to=plan.preview.code_from,
        config_diff="",
        pinned_at=None,
        rows_at_risk=tables,
        checks=tuple(checks),
        steps=_steps(plan.service, done),
        strategy=plan.preview.strategy,
        reason=plan.preview.reason,
    )
    # Whoever went back with two people takes it back with two.
    return replace(shown, four_eyes=plan.preview.four_eyes or four_eyes_of(declared.approval, shown))


def _steps(service: str, done: list[StepView]) -> tuple[StepPreview, ...]:
    """The last one first, with the seconds of the last undo, else a guess: not those of doing it."""
    steps = tuple(StepSpec(s.key, s.kind, s.params, s.title) for s in reversed(done))
    # The kind of the run, as durable names an undo's.
    spec = PlanSpec(f"{PlanKind.ROLLBACK}.undo", f"service:{service}", UNDO, steps)
    timed = with_expected_times(spec, UNDO_GUESS_S).steps
    return tuple(StepPreview(s.key, s.kind, s.title, s.expected_s) for s in timed)


def _written_since(service: str, done: list[StepView]) -> tuple[TableAtRisk, ...]:
    """The rows that the undo would set aside: written since the rollback put another database in place."""
    for step in done:
        facts = step.receipt or {}
        if step.kind in DATA_KINDS and facts.get("kept") and facts.get("at"):
            at = datetime.fromisoformat(facts["at"])
            return shown_tables(rows_since_swap(service, kept=facts["kept"], at=at, xid=str(facts.get("xid") or "")))
    return ()


def _told(row: ProposedPlan, plan: ProposedPlanView, shown: Preview, actor: Actor, now: datetime) -> None:
    audit.record(
        aggregate=f"response-plan:{row.id}",
        action="response.plan.proposed",
        actor=actor.label,
        facts={"kind": row.kind, "service": row.service, "undoes": plan.id},
        now=now,
    )
    publish(
        PlanProposed(
            plan_id=row.id,
            kind=row.kind,
            service=row.service,
            title=row.title,
            reason=shown.reason,
            criteria="",
            actor=actor.shown_name,
            at=now,
            incident_id=row.incident_id,
            change_id=row.change_id,
            title_phrase=row.title_phrase,
        ),
        now=now,
    )
