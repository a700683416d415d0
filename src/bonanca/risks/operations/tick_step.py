"""Say what became of one step of a contingency."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.risks.models import ContingencyStep, ContingencyUse
from bonanca.risks.queries import get_use, team_of
from bonanca.risks.state import STEP_TRANSITIONS, StepState, UseState
from bonanca.risks.views import UseView

OUTCOMES = (StepState.DONE, StepState.FAILED, StepState.SKIPPED)
NOTE_LENGTH = 2000


class StepNotOpen(Conflict):
    """It is over, or the whole contingency is."""


def tick_step(*, use_id: UUID, number: int, outcome: str, note: str, actor: Actor, now: datetime) -> UseView:
    """Done, failed or skipped; what was not done needs a note.

    Raises:
        ContingencyNotFound, StepNotOpen, NotAllowed. Invalid: the outcome is unknown, or the note is missing.
    """
    require(actor, Permission.RESPOND, team=team_of(get_use(use_id).service))
    if outcome not in OUTCOMES:
        raise Invalid(
            _("The outcome must be one of %(known)s (got %(given)s).")
            % {"known": ", ".join(OUTCOMES), "given": outcome},
            field="outcome",
        )
    state, note = StepState(outcome), note.strip()[:NOTE_LENGTH]
    if state is not StepState.DONE and not note:
        raise Invalid(_("Say in a few words why."), field="note")
    sources = [source for source, targets in STEP_TRANSITIONS.items() if state in targets]
    with transaction.atomic():
        # Nobody ends it between the look at its state and the tick.
        ContingencyUse.objects.select_for_update().get(pk=use_id)
        changed = ContingencyStep.objects.filter(
            use_id=use_id, use__state=UseState.RUNNING, number=number, state__in=sources
        ).update(state=state, ended_by=actor.label, ended_at=now, note=note)
        if not changed:
            raise StepNotOpen(_("Step %(number)d cannot be changed now.") % {"number": number}, field="number")
        facts = {"step": number, "outcome": outcome, "note": note}
        record(aggregate=f"contingency:{use_id}", action="contingency.ticked", actor=actor.label, facts=facts, now=now)
    return get_use(use_id)
