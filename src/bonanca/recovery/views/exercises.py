"""Exercises of the procedure as others see them. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bonanca.recovery.state import ExerciseState, ExerciseStepState


@dataclass(frozen=True)
class ExerciseStepView:
    """One step: `automatic` ones are restored into a scratch server, the others are ticked by a person."""

    number: int
    service: str
    title: str
    automatic: bool
    expected_s: float | None
    state: ExerciseStepState
    begun_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    note: str
    run_id: UUID | None
    drill_id: UUID | None

    @property
    def took_s(self) -> float | None:
        if self.begun_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.begun_at).total_seconds()

    @property
    def open(self) -> bool:
        return self.state in (ExerciseStepState.PENDING, ExerciseStepState.FAILED)


@dataclass(frozen=True)
class ExerciseView:
    """A walk through the procedure as it was when it began."""

    id: UUID
    state: ExerciseState
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    finished_by: str
    digest: str
    procedure: str
    note: str
    steps: tuple[ExerciseStepView, ...]

    @property
    def running(self) -> bool:
        return self.state is ExerciseState.RUNNING

    @property
    def done(self) -> int:
        return sum(step.state in (ExerciseStepState.DONE, ExerciseStepState.SKIPPED) for step in self.steps)


@dataclass(frozen=True)
class ExercisesStatus:
    """Whether the procedure was walked through lately."""

    every_days: float
    last_passed_at: datetime | None
    overdue: bool
    running: UUID | None
