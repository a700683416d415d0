"""What others see of erased people and of reviews. Never a reference to anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.recovery.state import PointState, ReviewState
from bonanca.ui.phrases import read


@dataclass(frozen=True)
class ErasureView:
    """One person of the register. `mark` is the beginning of a keyed hash, by which an entry can be talked about."""

    id: UUID
    service: str
    mark: str
    reason: str
    from_query: bool
    erased_at: datetime
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True)
class PointView:
    """One point of a review, in words for the reader; `text_phrase` and `remedy_phrase` are what they are made of."""

    number: int
    kind: str
    name: str
    text_phrase: dict[str, Any]
    remedy_phrase: dict[str, Any]
    found: dict[str, Any]
    needs_note: bool
    state: PointState
    note: str
    ticked_by: str
    ticked_at: datetime | None
    second_by: str
    second_at: datetime | None

    @property
    def text(self) -> str:
        return read("", self.text_phrase)

    @property
    def remedy(self) -> str:
        return read("", self.remedy_phrase)

    @property
    def done(self) -> bool:
        return self.state is PointState.DONE


@dataclass(frozen=True)
class ReviewView:
    """What a plan shows before data comes back. `over`: the plan has ended, and nobody needs to answer any more."""

    id: UUID
    run_id: UUID
    service: str
    team: str
    title: str
    state: ReviewState
    four_eyes: bool
    created_at: datetime
    decided_at: datetime | None
    points: tuple[PointView, ...]
    over: bool

    @property
    def waiting(self) -> bool:
        """Whether people can answer now."""
        return self.state is ReviewState.WAITING and not self.over

    @property
    def left(self) -> int:
        """How many points are to be ticked."""
        return sum(not point.done for point in self.points)
