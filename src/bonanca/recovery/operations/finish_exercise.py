"""End a walk through the resume-everything procedure; what was seen is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.recovery.models import Exercise
from bonanca.recovery.queries.exercises import get_exercise
from bonanca.recovery.state import ExerciseState, ExerciseStepState
from bonanca.recovery.views.exercises import ExerciseView


class ExerciseNotDone(Conflict):
    """Steps are left, or it is over already."""


def finish_exercise(
    *, exercise_id: UUID, note: str, actor: Actor, now: datetime, abandon: bool = False
) -> ExerciseView:
    """End it: passed when every step is done or skipped with a reason, failed when one failed, or abandoned.

    Raises:
        ExerciseNotFound, ExerciseNotDone, NotAllowed. Invalid: abandoned without a reason.
    """
    require(actor, Permission.COMMAND)
    found = get_exercise(exercise_id)
    left = [s.number for s in found.steps if s.state in (ExerciseStepState.PENDING, ExerciseStepState.RUNNING)]
    if abandon and not note.strip():
        raise Invalid(_("Say in a few words why."), field="note")
    if left and not abandon:
        raise ExerciseNotDone(
            _("These steps are not done: %(steps)s.") % {"steps": ", ".join(map(str, left))},
            hint=_("Tick or skip them, or abandon the exercise with a reason."),
        )
    failed = any(step.state is ExerciseStepState.FAILED for step in found.steps)
    state = ExerciseState.ABANDONED if abandon else ExerciseState.FAILED if failed else ExerciseState.PASSED
    with transaction.atomic():
        changed = Exercise.objects.filter(pk=exercise_id, state=ExerciseState.RUNNING).update(
            state=state, finished_at=now, finished_by=actor.label, note=note.strip()[:2000]
        )
        if not changed:
            raise ExerciseNotDone(_("This exercise is over."))
        facts = {"state": state.value, "note": note.strip()[:2000]}
        record(aggregate=f"exercise:{exercise_id}", action="exercise.finished", actor=actor.label, facts=facts, now=now)
    return get_exercise(exercise_id)
