"""What retention would keep and remove, before it does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class RetentionRow:
    """One backup: why it stays (in the reader's language), or that it goes. Bytes are of all its copies together."""

    backup_id: UUID
    taken_at: datetime
    stays: bool
    why: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True)
class RetentionPlan:
    """Newest first. `policy` None: none is declared, so everything stays. `freed`: place → bytes."""

    service: str
    policy: Mapping[str, int | bool] | None
    rows: tuple[RetentionRow, ...]
    freed: Mapping[str, int]
    digest: str

    @property
    def goes(self) -> tuple[RetentionRow, ...]:
        return tuple(row for row in self.rows if not row.stays)

    @property
    def freed_bytes(self) -> int:
        return sum(self.freed.values())

    @property
    def kept_bytes(self) -> int:
        return sum(row.size_bytes for row in self.rows if row.stays)


def digest_of(service: str, goes: list[UUID]) -> str:
    """Names exactly this list: what was shown is what is done, or nothing is."""
    return hashlib.sha256("\n".join([service, *sorted(map(str, goes))]).encode()).hexdigest()[:16]
