"""A commander has the standby made the primary."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec
from bonanca.durable.queries import unfinished_of
from bonanca.durable.views import PlanRunView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.recovery.operations.preview_promotion import preview_promotion
from bonanca.recovery.operations.start_restore import AnotherPlanRuns
from bonanca.recovery.promotion_plans import KIND, TITLE
from bonanca.recovery.rejoin_plans import KIND as REJOIN
from bonanca.recovery.restore_plans import KIND as RESTORE
from bonanca.ui.phrases import Phrase

IN_THE_WAY = frozenset({KIND, REJOIN, RESTORE, "rollback", "deployment"})


class PromotionRefused(Conflict):
    """Something forbids it, or a loss was not accepted; the message says what."""


def start_promotion(*, service: str, actor: Actor, now: datetime, key: str, accept_loss: bool = False) -> PlanRunView:
    """Start the plan that was previewed; both servers are asked again.

    Args:
        accept_loss: the primary does not answer: what the standby has not received is lost, and nobody can see that
            the old primary stays closed when it comes back.

    Raises:
        NotFound, NotAllowed (commanders only), NoStandby, PromotionRefused, AnotherPlanRuns: nothing was started.
    """
    require(actor, Permission.COMMAND)
    shown = preview_promotion(service=service, actor=actor, now=now)
    if shown.problems:
        raise PromotionRefused(" ".join(shown.problems), hint=_("Nothing was touched."))
    if not shown.primary_answers and not accept_loss:
        raise PromotionRefused(
            _("The primary does not answer: it cannot be closed, and what the standby has not received is lost."),
            hint=_("Stop the old primary's machine, then say that the loss is accepted."),
        )
    subject = f"service:{service}"
    if any(run.kind.removesuffix(".undo") in IN_THE_WAY for run in unfinished_of(subject)):
        raise AnotherPlanRuns(_("A plan of this service is running already."))
    with transaction.atomic():
        title = Phrase(TITLE, {"service": service})
        run = start_plan(
            PlanSpec(KIND, subject, title, shown.steps, {"team": shown.team}), actor=actor, now=now, key=key
        )
        facts = {"plan": str(run.id), "primary_answers": shown.primary_answers, "lag_bytes": shown.lag_bytes}
        record(aggregate=f"service:{service}", action="promotion.started", actor=actor.label, facts=facts, now=now)
    return run
