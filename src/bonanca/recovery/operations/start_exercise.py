"""Begin a walk through the resume-everything procedure (BCP/DRP, requirement Y8)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.recovery.models import Exercise, ExerciseStep
from bonanca.recovery.procedure_text import markdown
from bonanca.recovery.queries.exercises import get_exercise
from bonanca.recovery.queries.procedure import procedure
from bonanca.recovery.views.exercises import ExerciseView


class ExerciseRunning(Conflict):
    """An exercise is being walked through."""


def start_exercise(*, actor: Actor, now: datetime) -> ExerciseView:
    """Freeze the procedure as it is now, and its steps as a list to tick.

    Raises:
        ExerciseRunning, NotAllowed.
    """
    require(actor, Permission.COMMAND)
    found = procedure(now)
    try:
        with transaction.atomic():
            exercise = Exercise.objects.create(
                started_by=actor.label, started_at=now, digest=found.digest, procedure=markdown(found)
            )
            ExerciseStep.objects.bulk_create(
                ExerciseStep(
                    exercise=exercise,
                    number=step.number,
                    service=step.service,
                    title={"text": step.title, "facts": step.facts},
                    automatic=bool(step.restorable and step.service and step.source),
                    expected_s=step.expected_s,
                )
                for step in found.steps
            )
            facts = {"steps": len(found.steps), "digest": found.digest}
            record(
                aggregate=f"exercise:{exercise.id}", action="exercise.started", actor=actor.label, facts=facts, now=now
            )
    except IntegrityError as error:
        raise ExerciseRunning(_("Another exercise is being walked through: finish or abandon it first.")) from error
    return get_exercise(exercise.id)
