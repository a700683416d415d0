"""Reading exercises of the resume-everything procedure."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.recovery.models import Exercise, ExerciseStep
from bonanca.recovery.state import ExerciseState, ExerciseStepState
from bonanca.recovery.views.exercises import ExercisesStatus, ExerciseStepView, ExerciseView
from bonanca.ui.phrases import render


class ExerciseNotFound(NotFound):
    """There is no such exercise."""


def get_exercise(exercise_id: UUID) -> ExerciseView:
    """Raises ExerciseNotFound."""
    row = Exercise.objects.prefetch_related("steps").filter(pk=exercise_id).first()
    if row is None:
        raise ExerciseNotFound(_("There is no exercise %(id)s.") % {"id": exercise_id})
    return _view(row)


def list_exercises(limit: int = 20) -> tuple[ExerciseView, ...]:
    """Newest first."""
    return tuple(_view(row) for row in Exercise.objects.prefetch_related("steps").order_by("-started_at")[:limit])


def exercises_status(now: datetime) -> ExercisesStatus:
    """Whether one was passed within the days that the installation asks for."""
    every: float = settings.EXERCISE_EVERY_DAYS
    passed = Exercise.objects.filter(state=ExerciseState.PASSED).order_by("-finished_at").first()
    at = passed.finished_at if passed else None
    running = Exercise.objects.filter(state=ExerciseState.RUNNING).values_list("id", flat=True).first()
    return ExercisesStatus(every, at, at is None or now > at + timedelta(days=every), running)


def _view(row: Exercise) -> ExerciseView:
    shared = [name for name in ExerciseView.__dataclass_fields__ if name not in ("state", "steps")]
    return ExerciseView(
        **{name: getattr(row, name) for name in shared},
        state=ExerciseState(row.state),
        steps=tuple(_step(step) for step in row.steps.all()),
    )


def _step(row: ExerciseStep) -> ExerciseStepView:
    shared = [name for name in ExerciseStepView.__dataclass_fields__ if name not in ("state", "title")]
    return ExerciseStepView(
        **{name: getattr(row, name) for name in shared},
        state=ExerciseStepState(row.state),
        title=render(row.title["text"], row.title["facts"]),
    )
