"""A commander has the old primary made a standby again, and the primary when the promotion is to be taken back."""

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
from bonanca.recovery.operations.preview_rejoin import preview_rejoin
from bonanca.recovery.operations.start_promotion import IN_THE_WAY
from bonanca.recovery.operations.start_restore import AnotherPlanRuns
from bonanca.recovery.rejoin_plans import KIND, TITLE, TITLE_BACK
from bonanca.ui.phrases import Phrase


class RejoinRefused(Conflict):
    """Something forbids it; the message says what."""


def start_rejoin(*, service: str, actor: Actor, now: datetime, key: str, back: bool = False) -> PlanRunView:
    """Start the plan that was previewed; both servers are asked again.

    Args:
        back: make it the primary again afterwards: the promotion is taken back.

    Raises:
        NotFound, NotAllowed (commanders only), NoStandby, NoServersDeclared, RejoinRefused, AnotherPlanRuns: nothing
        was started.
    """
    require(actor, Permission.COMMAND)
    shown = preview_rejoin(service=service, actor=actor, now=now)
    if shown.problems:
        raise RejoinRefused(" ".join(shown.problems), hint=_("Nothing was touched."))
    subject = f"service:{service}"
    if any(run.kind.removesuffix(".undo") in IN_THE_WAY for run in unfinished_of(subject)):
        raise AnotherPlanRuns(_("A plan of this service is running already."))
    with transaction.atomic():
        title = Phrase(TITLE_BACK if back else TITLE, {"service": service})
        steps = shown.steps_back if back else shown.steps
        run = start_plan(PlanSpec(KIND, subject, title, steps, {"team": shown.team}), actor=actor, now=now, key=key)
        facts = {"plan": str(run.id), "data": shown.data, "rewind": shown.rewind, "back": back}
        record(aggregate=f"service:{service}", action="rejoin.started", actor=actor.label, facts=facts, now=now)
    return run
