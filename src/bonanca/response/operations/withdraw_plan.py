"""Not this one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel import audit
from bonanca.response.models import ProposedPlan
from bonanca.response.operations.approve_plan import NotWaiting
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.state import PlanState


@transaction.atomic
def withdraw_plan(plan_id: UUID, *, actor: Actor, now: datetime) -> ProposedPlanView:
    """Take back a plan that nobody has approved.

    Raises:
        NotFound: there is no such plan.
        NotAllowed: the actor may not act on the service.
        NotWaiting: it was approved or withdrawn already.
    """
    plan = get_plan(plan_id)
    require(actor, Permission.RESPOND, team=plan.team)
    moved = ProposedPlan.objects.filter(id=plan_id, state=PlanState.PROPOSED).update(
        state=PlanState.WITHDRAWN, finished_at=now
    )
    if not moved:
        raise NotWaiting(_("This plan is %(state)s.") % {"state": plan.state_label})
    audit.record(
        aggregate=f"response-plan:{plan_id}", action="response.plan.withdrawn", actor=actor.label, facts={}, now=now
    )
    return get_plan(plan_id)
