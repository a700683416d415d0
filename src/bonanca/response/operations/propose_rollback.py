"""Ask what going back would mean, and keep the answer for somebody to approve."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish
from bonanca.response.compilers.preview import to_json
from bonanca.response.events import PlanProposed
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.draw_up_rollback import Draft, draw_up_rollback
from bonanca.response.queries import ProposedPlanView, plan_view
from bonanca.response.specs import spec_to_json
from bonanca.response.state import PlanKind

# A preview that is older says too little about the rows that would be set aside now.
VALID_FOR = timedelta(minutes=30)


def propose_rollback(
    *,
    change_id: UUID,
    incident_id: UUID | None = None,
    strategy: str = "",
    reason: str = "",
    automatic: bool = False,
    actor: Actor,
    now: datetime,
) -> ProposedPlanView:
    """Preview going back to the state before a change: targets, steps with expected seconds, rows at risk.

    Nothing of the service is touched. The plan is kept exactly as previewed, and waits for approval
    for 30 minutes (requirements T4 to T7).

    Raises:
        NotFound, NotAllowed, NotOut, NothingPinned, Invalid: see `draw_up_rollback`.
    """
    draft = draw_up_rollback(
        change_id,
        incident_id=incident_id,
        strategy=strategy,
        reason=reason,
        automatic=automatic,
        actor=actor,
        now=now,
    )
    return _keep(draft, actor, now)


@transaction.atomic
def _keep(draft: Draft, actor: Actor, now: datetime) -> ProposedPlanView:
    row = ProposedPlan.objects.create(
        id=draft.plan_id,
        kind=PlanKind.ROLLBACK,
        service=draft.service.slug,
        team=draft.service.team_slug,
        title=str(draft.title)[:200],
        title_phrase=draft.title.to_json(),
        incident_id=draft.incident_id,
        change_id=draft.change.id,
        pin_id=draft.pin.id,
        spec=spec_to_json(draft.spec),
        preview=to_json(draft.preview),
        proposed_by=actor.label,
        proposed_at=now,
        expires_at=now + VALID_FOR,
    )
    audit.record(
        aggregate=f"response-plan:{row.id}",
        action="response.plan.proposed",
        actor=actor.label,
        facts={
            "kind": row.kind,
            "service": row.service,
            "pin": draft.pin.id,
            "strategy": draft.preview.strategy,
            "reason": draft.preview.reason,
            "rows_at_risk": draft.preview.rows_total,
            "criteria": draft.preview.criteria.outcome,
        },
        now=now,
    )
    publish(
        PlanProposed(
            plan_id=row.id,
            kind=row.kind,
            service=row.service,
            title=row.title,
            reason=draft.preview.reason,
            criteria=draft.preview.criteria.outcome,
            actor=actor.shown_name,
            at=now,
            incident_id=row.incident_id,
            change_id=row.change_id,
            title_phrase=row.title_phrase,
        ),
        now=now,
    )
    return plan_view(row)
