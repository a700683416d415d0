"""What the rest of the house may hear about recovery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class BackupStored(Event):
    """A backup is in at least one replica. `size_bytes` is that of one replica."""

    NAME: ClassVar[str] = "recovery.backup.stored.v1"
    backup_id: UUID
    service: str
    size_bytes: int
    replicas_stored: int
    replicas_failed: int


@dataclass(frozen=True)
class BackupFailed(Event):
    """A backup could not be taken, or none of its replicas is intact any more."""

    NAME: ClassVar[str] = "recovery.backup.failed.v1"
    backup_id: UUID
    service: str
    error: str


@dataclass(frozen=True)
class CopyGivenUp(Event):
    """A place did not take its copy of a backup in days of trying; a person has to look."""

    NAME: ClassVar[str] = "recovery.copy.given_up.v1"
    backup_id: UUID
    service: str
    place: str
    error: str


@dataclass(frozen=True)
class CopyDamaged(Event):
    """A place does not give a backup back as it was written, or has lost it."""

    NAME: ClassVar[str] = "recovery.copy.damaged.v1"
    backup_id: UUID
    service: str
    place: str
    error: str


@dataclass(frozen=True)
class BackupPruned(Event):
    """Retention removed a backup; `size_bytes` are those of all its copies together."""

    NAME: ClassVar[str] = "recovery.backup.pruned.v1"
    backup_id: UUID
    service: str
    size_bytes: int


@dataclass(frozen=True)
class BackupRewrapped(Event):
    """A backup's key was wrapped for the recipients that are declared now; `recipients` are their public keys."""

    NAME: ClassVar[str] = "recovery.backup.rewrapped.v1"
    backup_id: UUID
    service: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class BackupVerified(Event):
    """A backup was restored into a scratch server and held every check."""

    NAME: ClassVar[str] = "recovery.backup.verified.v1"
    backup_id: UUID
    service: str
    drill_id: UUID
    restore_seconds: float
    age_seconds: float


@dataclass(frozen=True)
class DrillFailed(Event):
    """A restore into a scratch server failed; the backup may still be good (`backup_state`)."""

    NAME: ClassVar[str] = "recovery.drill.failed.v1"
    backup_id: UUID
    service: str
    drill_id: UUID
    backup_state: str
    error: str


@dataclass(frozen=True)
class PinTaken(Event):
    """The state of a service before a change was pinned. `held_seconds`: how long new connections waited for it."""

    NAME: ClassVar[str] = "recovery.pin.taken.v1"
    pin_id: UUID
    service: str
    change_id: str
    taken_at: datetime
    held_seconds: float | None


@dataclass(frozen=True)
class RowsSetAside(Event):
    """Rows written since a pin were listed and exported before they would be missed."""

    NAME: ClassVar[str] = "recovery.rows.set_aside.v1"
    set_aside_id: UUID
    service: str
    new: int
    changed: int


@dataclass(frozen=True)
class RowsReapplied(Event):
    """Set-aside rows were given back to the service."""

    NAME: ClassVar[str] = "recovery.rows.reapplied.v1"
    set_aside_id: UUID
    service: str
    applied: int
    duplicate: int
    conflict: int
    decision: int


@dataclass(frozen=True)
class RestoreStarted(Event):
    """A previewed restore was started. `mode`: beside the running database (`database` is new), or in its place."""

    NAME: ClassVar[str] = "recovery.restore.started.v1"
    restore_id: UUID
    service: str
    run_id: UUID
    mode: str
    database: str


@dataclass(frozen=True)
class KeptDropped(Event):
    """A kept database was dropped: its time was over, or a person did it."""

    NAME: ClassVar[str] = "recovery.kept.dropped.v1"
    service: str
    name: str
    expired: bool


@dataclass(frozen=True)
class ReviewOpened(Event):
    """A plan waits before data goes back: people have to look at what that would bring back (`points` of it).

    `context` is that of the plan, with the incident where there is one.
    """

    NAME: ClassVar[str] = "recovery.review.opened.v1"
    review_id: UUID
    run_id: UUID
    service: str
    points: int
    context: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class ReviewAgreed(Event):
    """Everything that a return brings back has been looked at; `actor` ticked the last point, and the plan goes on."""

    NAME: ClassVar[str] = "recovery.review.agreed.v1"
    review_id: UUID
    run_id: UUID
    service: str
    actor: str
    at: datetime


@dataclass(frozen=True)
class ErasuresReapplied(Event):
    """Older data came back, and with it `back` people who were erased: erased again before anybody came in."""

    NAME: ClassVar[str] = "recovery.erasures.reapplied.v1"
    run_id: UUID
    service: str
    registered: int
    back: int
    context: dict[str, Any]
    at: datetime
