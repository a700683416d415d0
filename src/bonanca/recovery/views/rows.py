"""Rows at risk, and rows set aside, as others see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.recovery.state import RowKind, RowOutcome
from bonanca.ui.formats import who_text


@dataclass(frozen=True)
class TableAtRisk:
    """Rows that a return to a pin would set aside: written since, and older ones changed since (None: not counted).

    `problem` says why a table could not be read; the numbers are then None and not zero.
    """

    table: str
    written_since: int | None
    changed: int | None
    sample: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class SetAsideRowView:
    table: str
    key: str
    kind: RowKind
    outcome: RowOutcome
    reason: str
    settled_at: datetime | None
    settled_by: str = ""

    @property
    def who(self) -> str:
        """The name of who decided, without the kind of account."""
        return who_text(self.settled_by)


@dataclass(frozen=True)
class SetAsideView:
    """The rows a rollback set aside. `counts`: outcome → rows; `undecided`: those that wait for a person."""

    id: UUID
    key: str
    run_id: UUID
    service: str
    pin_id: UUID
    kept_database: str
    file: str
    created_at: datetime
    reapplied_at: datetime | None
    counts: Mapping[str, int]
    undecided: tuple[SetAsideRowView, ...]
    removed_at: datetime | None = None

    @property
    def waiting(self) -> int:
        """Rows that wait: for the service's replay, or for a person."""
        return sum(self.counts.get(name, 0) for name in ("pending", "conflict", "decision"))

    @property
    def total(self) -> int:
        return sum(self.counts.values())
