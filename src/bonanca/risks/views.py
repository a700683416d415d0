"""What others see of contingencies: frozen values. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bonanca.catalog.spec import ContingencySpec
from bonanca.risks.state import ContingencyKind, Mark, Phase, StepState, UseState


@dataclass(frozen=True)
class UseStep:
    number: int
    phase: Phase
    text: str
    state: StepState
    ended_by: str
    ended_at: datetime | None
    note: str

    @property
    def open(self) -> bool:
        """Whether it can be ticked."""
        return self.state in (StepState.OPEN, StepState.FAILED)


@dataclass(frozen=True)
class UseView:
    """One use or exercise of a contingency."""

    id: UUID
    service: str
    contingency: str
    name: str
    exercise: bool
    incident_id: UUID | None
    state: UseState
    reason: str
    started_by: str
    started_at: datetime
    ended_by: str
    ended_at: datetime | None
    note: str
    steps: tuple[UseStep, ...]

    @property
    def running(self) -> bool:
        return self.state is UseState.RUNNING

    @property
    def done(self) -> int:
        """How many steps are over."""
        return sum(step.state in (StepState.DONE, StepState.SKIPPED) for step in self.steps)

    @property
    def begins(self) -> tuple[UseStep, ...]:
        return tuple(step for step in self.steps if step.phase is Phase.BEGIN)

    @property
    def ends(self) -> tuple[UseStep, ...]:
        return tuple(step for step in self.steps if step.phase is Phase.END)


@dataclass(frozen=True)
class ContingencyView:
    """A declared contingency, and what its uses say. `due_at`: when it has to be walked through again."""

    service: str
    service_name: str
    team: str
    declared: ContingencySpec
    mark: Mark
    last_passed_at: datetime | None
    running: UseView | None
    # It runs for longer than it can be kept up.
    over_time: bool = False

    @property
    def kind(self) -> ContingencyKind:
        return ContingencyKind(self.declared.kind)

    @property
    def ok(self) -> bool:
        return self.mark is Mark.OK

    @property
    def due_at(self) -> datetime | None:
        if self.last_passed_at is None:
            return None
        return self.last_passed_at + timedelta(days=self.declared.exercise_every_days)

    @property
    def ends_at_latest(self) -> datetime | None:
        """Until when the one that runs can be kept up."""
        if self.running is None or self.declared.max_h is None:
            return None
        return self.running.started_at + timedelta(hours=self.declared.max_h)
