"""Come back from a contingency to how it normally goes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.outbox.operations.publish import publish
from bonanca.risks.events import ContingencyEnded
from bonanca.risks.models import ContingencyUse
from bonanca.risks.queries import get_use, team_of
from bonanca.risks.state import StepState, UseState
from bonanca.risks.views import UseView

NOTE_LENGTH = 2000


class StepsLeft(Conflict):
    """Steps are not done: something may still run by hand, or was not practised."""


class AlreadyEnded(Conflict):
    """It is over."""


def end_contingency(*, use_id: UUID, note: str, actor: Actor, now: datetime, early: bool = False) -> UseView:
    """End it: done when every step was done or left out with a reason, failed when one failed, or early with a reason.

    With every step left out it ends early, whatever was asked: an exercise of nothing does not count.

    Raises:
        ContingencyNotFound, StepsLeft, AlreadyEnded, NotAllowed. Invalid: early and without a reason.
    """
    require(actor, Permission.RESPOND, team=team_of(get_use(use_id).service))
    note = note.strip()[:NOTE_LENGTH]
    if early and not note:
        raise Invalid(_("Say in a few words why."), field="note")
    with transaction.atomic():
        # Steps are ticked under the same lock: what is counted here is what it ends with.
        row = ContingencyUse.objects.select_for_update().get(pk=use_id)
        if row.state != UseState.RUNNING:
            raise AlreadyEnded(_("It is over already."))
        found = get_use(use_id)
        left = [str(step.number) for step in found.steps if step.state is StepState.OPEN]
        if left and not early:
            raise StepsLeft(
                _("These steps are not done: %(steps)s.") % {"steps": ", ".join(left)},
                hint=_("Tick or skip them, or end it early with a reason."),
            )
        seen = {step.state for step in found.steps}
        # Where every step was left out nothing was tried, and nothing is proved.
        early = early or not seen & {StepState.DONE, StepState.FAILED}
        state = UseState.ABANDONED if early else UseState.FAILED if StepState.FAILED in seen else UseState.DONE
        ContingencyUse.objects.filter(pk=use_id, state=UseState.RUNNING).update(
            state=state, ended_by=actor.label, ended_at=now, note=note
        )
        facts = {"outcome": state.value, "note": note, "left": left}
        record(aggregate=f"contingency:{use_id}", action="contingency.ended", actor=actor.label, facts=facts, now=now)
        event = ContingencyEnded(
            use_id=use_id,
            service=found.service,
            contingency=found.contingency,
            name=found.name,
            exercise=found.exercise,
            incident_id=found.incident_id,
            outcome=state.value,
            note=note,
            actor=actor.shown_name,
            at=now,
        )
        publish(event, now=now)
    return get_use(use_id)
