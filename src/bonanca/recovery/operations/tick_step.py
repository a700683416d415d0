"""One step of an exercise: begun, restored by a worker, ticked by a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.queries import get_run
from bonanca.durable.state import RunState
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.recovery.models import ExerciseStep
from bonanca.recovery.operations.start_due_drills import drill_service
from bonanca.recovery.queries.exercises import get_exercise
from bonanca.recovery.state import EXERCISE_STEP_TRANSITIONS, ExerciseState, ExerciseStepState
from bonanca.recovery.views.exercises import ExerciseView

OUTCOMES = (ExerciseStepState.DONE, ExerciseStepState.FAILED, ExerciseStepState.SKIPPED)


class StepNotOpen(Conflict):
    """This step cannot be ticked so: it is over, it runs, or the exercise is."""


def begin_step(*, exercise_id: UUID, number: int, actor: Actor, now: datetime) -> ExerciseView:
    """Begin a step: its time runs; a restorable one is given to a worker, which restores it into a scratch server.

    Raises:
        ExerciseNotFound, StepNotOpen, NothingToDrill, NotAllowed.
    """
    require(actor, Permission.COMMAND)
    with transaction.atomic():
        step = _move(exercise_id, number, ExerciseStepState.RUNNING, begun_at=now, ended_at=None, ended_by="")
        facts: dict[str, object] = {"step": number}
        if step.automatic:
            key = f"exercise:{exercise_id}:{number}:{int(now.timestamp())}"
            run = drill_service(service=step.service, actor=actor, now=now, key=key, pick="newest")
            ExerciseStep.objects.filter(pk=step.pk).update(run_id=run.id)
            facts["plan"] = str(run.id)
        _record(exercise_id, "exercise.step_begun", facts, actor, now)
    return get_exercise(exercise_id)


def tick_step(*, exercise_id: UUID, number: int, outcome: str, note: str, actor: Actor, now: datetime) -> ExerciseView:
    """Say what became of a step; what was skipped or failed needs a note.

    Raises:
        ExerciseNotFound, StepNotOpen, NotAllowed. Invalid: the outcome is unknown, or the note is missing.
    """
    require(actor, Permission.COMMAND)
    if outcome not in OUTCOMES:
        raise Invalid(
            _("The outcome must be one of %(known)s (got %(given)s).")
            % {"known": ", ".join(OUTCOMES), "given": outcome},
            field="outcome",
        )
    state = ExerciseStepState(outcome)
    note = note.strip()[:2000]
    if state is not ExerciseStepState.DONE and not note:
        raise Invalid(_("Say in a few words why."), field="note")
    with transaction.atomic():
        _move(exercise_id, number, state, ended_at=now, ended_by=actor.label, note=note)
        facts = {"step": number, "outcome": outcome, "note": note}
        _record(exercise_id, "exercise.step_ticked", facts, actor, now)
    return get_exercise(exercise_id)


def collect_steps(*, now: datetime) -> int:
    """Take over what the plans of automatic steps came to; returns how many ended."""
    ended = 0
    for step in ExerciseStep.objects.filter(state=ExerciseStepState.RUNNING, run_id__isnull=False):
        assert step.run_id is not None
        run = get_run(step.run_id)
        if not run.finished:
            continue
        done = run.state is RunState.SUCCEEDED
        receipt = run.step("verify").receipt or {}
        with transaction.atomic():
            changed = ExerciseStep.objects.filter(pk=step.pk, state=ExerciseStepState.RUNNING).update(
                state=ExerciseStepState.DONE if done else ExerciseStepState.FAILED,
                ended_at=run.finished_at or now,
                ended_by=SYSTEM("recovery").label,
                note="" if done else run.error[:2000],
                drill_id=receipt.get("drill_id"),
            )
            facts = {"step": step.number, "outcome": "done" if done else "failed", "plan": str(step.run_id)}
            if changed:
                _record(step.exercise_id, "exercise.step_ticked", facts, SYSTEM("recovery"), now)
        ended += changed
    return ended


def _move(exercise_id: UUID, number: int, state: ExerciseStepState, **changes: object) -> ExerciseStep:
    get_exercise(exercise_id)
    sources = [source for source, targets in EXERCISE_STEP_TRANSITIONS.items() if state in targets]
    if state is not ExerciseStepState.RUNNING and "begun_at" not in changes:
        rows = ExerciseStep.objects.filter(exercise_id=exercise_id, number=number, begun_at__isnull=True)
        rows.update(begun_at=changes["ended_at"])
    rows = ExerciseStep.objects.filter(
        exercise_id=exercise_id, exercise__state=ExerciseState.RUNNING, number=number, state__in=sources
    )
    if state is not ExerciseStepState.RUNNING:
        # What a worker restores is judged by what came of it.
        rows = rows.exclude(state=ExerciseStepState.RUNNING, run_id__isnull=False)
    if not rows.update(state=state, **changes):
        raise StepNotOpen(_("Step %(number)d cannot be changed now.") % {"number": number})
    return ExerciseStep.objects.get(exercise_id=exercise_id, number=number)


def _record(exercise_id: UUID, action: str, facts: Mapping[str, object], actor: Actor, now: datetime) -> None:
    record(aggregate=f"exercise:{exercise_id}", action=action, actor=actor.label, facts=dict(facts), now=now)
