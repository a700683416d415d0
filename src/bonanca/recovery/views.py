"""What others see of recovery: frozen values, no rows. Sizes in bytes, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.recovery.state import BackupState, DrillState, PinState, ReplicaState, RowKind, RowOutcome


@dataclass(frozen=True)
class ReplicaView:
    place: str
    state: ReplicaState
    size_bytes: int
    sha256: str
    stored_at: datetime | None
    checked_at: datetime | None
    error: str


@dataclass(frozen=True)
class DrillView:
    """One restore into a scratch server. `evidence`: checks, row counts, replicas and seconds per phase."""

    id: UUID
    backup_id: UUID
    service: str
    state: DrillState
    run_by: str
    started_at: datetime
    finished_at: datetime | None
    restore_seconds: float | None
    age_seconds: float | None
    evidence: Mapping[str, Any]
    error: str


@dataclass(frozen=True)
class BackupView:
    """A backup. `restore_seconds` (RTO) and `age_seconds` (RPO) are those of its last passed drill."""

    id: UUID
    service: str
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


@dataclass(frozen=True)
class PinView:
    """The state of a service before a change. `held_seconds`: how long new connections waited while it was copied."""

    id: UUID
    service: str
    change_id: str
    state: PinState
    release_sha: str
    config_path: str
    config_sha256: str
    config_mode: int | None
    database: str
    copy_name: str
    taken_at: datetime
    xid: str
    lsn: str
    properties: Mapping[str, Any]
    row_counts: Mapping[str, int]
    size_bytes: int | None
    held_seconds: float | None
    expires_at: datetime

    @property
    def has_data(self) -> bool:
        return bool(self.copy_name)


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
class KeptDatabase:
    """A database that a rollback replaced and kept. `kept_by` is the key of the step that did it."""

    name: str
    database: str
    kept_at: datetime
    kept_by: str
    size_bytes: int | None


@dataclass(frozen=True)
class SetAsideRowView:
    table: str
    key: str
    kind: RowKind
    outcome: RowOutcome
    reason: str
    settled_at: datetime | None


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

    @property
    def total(self) -> int:
        return sum(self.counts.values())
