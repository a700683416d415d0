"""What a step handler is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

# What a step leaves behind: JSON facts that check() can find again and undo() needs.
Receipt = dict[str, Any]


@dataclass(frozen=True)
class FenceToken:
    """Which plan acts, in which epoch. An actuator refuses an epoch older than one it has seen of the same plan."""

    run_id: UUID
    epoch: int
    # Asks the journal whether the epoch is still the newest; raises Fenced. Absent in tokens that tests make.
    verify: Callable[[], None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class StepContext:
    """One execution of one step.

    ``key`` is the idempotency key: the same for every attempt and every worker. ``receipts`` are those of the
    earlier steps of the plan (in an undo: of the plan that is being undone).
    """

    run_id: UUID
    step_key: str
    token: FenceToken
    params: dict[str, Any]
    context: dict[str, Any]
    receipts: Mapping[str, Receipt]
    timeout_s: float
    now: Callable[[], datetime]
    # progress(fraction between 0 and 1 or None when unknown, text): shown to people; cheap, throttled.
    progress: Callable[[float | None, str], None]
    # Raises Fenced when another worker has the plan, StepStopped when it was cancelled or the time is over.
    still_mine: Callable[[], None]
    # Seconds until the step's time is over (never negative).
    remaining_s: Callable[[], float]

    @property
    def key(self) -> str:
        return f"{self.run_id}:{self.step_key}"

    @property
    def asked_by_undo(self) -> bool:
        """Whether the undo of a step that never ended asks what came into effect: the token is the undo's then."""
        return self.token.run_id != self.run_id
