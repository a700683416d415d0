"""A person says what no instrument measures about a rollback that waits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid
from bonanca.response.criteria.rules import Opinion, Rule
from bonanca.response.models import CriterionAnswer, ProposedPlan
from bonanca.response.operations.approve_plan import NotWaiting
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.state import PlanKind

MAX_WORDS = 500


@transaction.atomic
def answer_criterion(
    plan_id: UUID, *, rule: str, opinion: str, words: str, actor: Actor, now: datetime
) -> ProposedPlanView:
    """Answer one of the eight rules of a rollback that waits for approval (requirement T4).

    Raises:
        NotFound: there is no such plan.
        NotAllowed: the actor may not act on the service.
        NotWaiting: it was decided about already.
        Invalid: the plan is no rollback, or rule, opinion or words cannot be accepted; `field` says which.
    """
    plan = get_plan(plan_id)
    require(actor, Permission.RESPOND, team=plan.team)
    for field, given, known in (("rule", rule, Rule.values), ("opinion", opinion, Opinion.values)):
        if given not in known:
            raise Invalid(
                _("%(field)s must be one of %(known)s (got %(given)s).")
                % {"field": field, "known": ", ".join(known), "given": given[:60]},
                field=field,
            )
    said = words.strip()
    if not said or len(said) > MAX_WORDS:
        raise Invalid(_("Say why, in at most %(limit)s characters.") % {"limit": MAX_WORDS}, field="words")
    if plan.kind != PlanKind.ROLLBACK:
        raise Invalid(_("Only a rollback is weighed by criteria."))
    # The row is held, so that nobody approves between the look and the answer.
    locked = ProposedPlan.objects.select_for_update().filter(id=plan_id).first()
    if locked is None or not plan.waits_for_approval or locked.state != plan.state:
        raise NotWaiting(_("This plan is %(state)s.") % {"state": plan.state_label})
    CriterionAnswer.objects.update_or_create(
        plan_id=plan_id, rule=rule, defaults={"opinion": opinion, "words": said, "by": actor.label, "at": now}
    )
    audit.record(
        aggregate=f"response-plan:{plan_id}",
        action="response.criterion.answered",
        actor=actor.label,
        facts={"rule": rule, "opinion": opinion, "words": said},
        now=now,
    )
    return get_plan(plan_id)
