"""What others see of a plan: frozen values, no rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.durable.context import Receipt
from bonanca.durable.hiding import hidden
from bonanca.durable.plan import RETRY_FOR_S
from bonanca.durable.state import FINISHED, RunState, StepState


@dataclass(frozen=True)
class StepView:
    """``progress`` is (fraction between 0 and 1 or None, text). ``attempts`` counts starts over all workers.

    ``params`` and ``receipt`` are whole here, because an undo is made from them; people are shown `hidden` ones.
    """

    key: str
    kind: str
    title: str
    state: StepState
    started_at: datetime | None
    finished_at: datetime | None
    timeout_s: float
    expected_s: float | None
    receipt: Receipt | None = field(metadata={"shown": hidden})
    error: str
    attempts: int
    progress: tuple[float | None, str]
    params: dict[str, Any] = field(metadata={"shown": hidden})
    direction: str
    # Seconds that it is tried again for; how often and how long it has failed so far.
    retry_for_s: float = RETRY_FOR_S
    failures: int = 0
    failing_for_s: float = 0.0
    # Filled when a person decided that the plan goes on without it.
    skip_reason: str = ""
    skipped_by: str = ""

    def elapsed_s(self, now: datetime) -> float | None:
        """Seconds since it began (until it ended); None before."""
        if self.started_at is None:
            return None
        return max(0.0, ((self.finished_at or now) - self.started_at).total_seconds())


@dataclass(frozen=True)
class PlanRunView:
    """``worker`` names who carries it out now; ``epoch`` counts who has, ``takeovers`` those that had to step in."""

    id: UUID
    key: str
    kind: str
    subject: str
    # In the active language; `title_phrase` is what it is made from, when no person wrote it.
    title: str
    title_phrase: dict[str, Any] | None
    state: RunState
    steps: tuple[StepView, ...]
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    epoch: int
    takeovers: int
    worker: str
    error: str
    hint: str
    cancel_requested: bool
    undo_of: UUID | None
    context: dict[str, Any]
    pause_requested: bool = False
    # Who wants it stopped and taken back; empty when nobody does.
    abort_by: str = ""
    exclusive: str = ""
    # What a held plan waits for, in the active language, and the page where people answer.
    waits_for: str = ""
    waits_at: str = ""
    # When a worker that could carry it out was last heard of; None: none ever, or the plan has no use for one.
    worker_heard_at: datetime | None = None

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def team(self) -> str | None:
        """Whose responders may act on it; None: commanders only."""
        team = self.context.get("team")
        return team if isinstance(team, str) else None

    @property
    def current(self) -> StepView | None:
        """The step that runs, or is tried again, now."""
        return next((step for step in self.steps if step.state is StepState.RUNNING), None)

    @property
    def skipped(self) -> tuple[StepView, ...]:
        """What a person decided to leave out."""
        return tuple(step for step in self.steps if step.skip_reason)

    def step(self, key: str) -> StepView:
        """Raises KeyError when the plan has no such step."""
        for candidate in self.steps:
            if candidate.key == key:
                return candidate
        raise KeyError(key)
