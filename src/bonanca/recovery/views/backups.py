"""Backups as others see them. Sizes in bytes, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.recovery.state import HOLDING, BackupState, ReplicaState
from bonanca.recovery.views.drills import DrillView


@dataclass(frozen=True)
class ReplicaView:
    place: str
    state: ReplicaState
    size_bytes: int
    sha256: str
    stored_at: datetime | None
    checked_at: datetime | None
    error: str
    bytes_done: int = 0
    attempts: int = 0
    next_try_at: datetime | None = None
    locked_until: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether the copy is not there and may be asked for again."""
        return self.state in (ReplicaState.FAILED, ReplicaState.GIVEN_UP, ReplicaState.DAMAGED)


@dataclass(frozen=True)
class BackupView:
    """A backup. `restore_seconds` (RTO) and `age_seconds` (RPO) are those of its last passed drill."""

    id: UUID
    service: str
    engine: str
    parent_id: UUID | None
    facts: Mapping[str, Any]
    state: BackupState
    taken_by: str
    started_at: datetime
    finished_at: datetime | None
    snapshot_at: datetime | None
    database: str
    server_version: int
    lsn: str
    row_counts: Mapping[str, int]
    object_name: str
    database_bytes: int
    plain_bytes: int
    size_bytes: int
    sha256: str
    error: str
    verified_at: datetime | None
    restore_seconds: float | None
    age_seconds: float | None
    replicas: tuple[ReplicaView, ...]
    last_drill: DrillView | None

    @property
    def copies(self) -> tuple[ReplicaView, ...]:
        """The places that were given the whole backup, in their order."""
        return tuple(replica for replica in self.replicas if replica.state in HOLDING)

    @property
    def kinds(self) -> dict[str, str]:
        """Of an engine with repositories of its own: in each, what kind of backup this is."""
        return dict(self.facts.get("kinds", {}))

    @property
    def ciphers(self) -> dict[str, str]:
        """Of an engine with repositories of its own: how each is encrypted, "none" included."""
        return dict(self.facts.get("ciphers", {}))

    @property
    def intact(self) -> int:
        """How many places are believed to have it whole."""
        return sum(copy.state is not ReplicaState.DAMAGED for copy in self.copies)

    @property
    def tables(self) -> list[tuple[str, int | None, int | None]]:
        """Each table with its rows and, where several workers dumped it, its bytes in the dump."""
        sizes = self.facts.get("tables") or {}
        return [
            (table, self.row_counts.get(table), sizes[table][1] if table in sizes else None)
            for table in sorted({*self.row_counts, *sizes})
        ]

    @property
    def files(self) -> Mapping[str, Any] | None:
        """What it took of folders and files (counts, bytes, `roots`, what was `left` and `changed`); None: nothing."""
        found: Mapping[str, Any] | None = self.facts.get("files")
        return found

    @property
    def rows(self) -> int:
        """Rows of all tables in its snapshot."""
        return sum(self.row_counts.values())


@dataclass(frozen=True)
class ServiceBackups:
    """A service in the list of backups: its last proof (None: never restored) and its last attempt."""

    slug: str
    name: str
    every_h: float
    verified: BackupView | None
    last: BackupView | None
