"""What the other rooms hear of containments and plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class ContainmentApplied(Event):
    NAME: ClassVar[str] = "response.containment.applied.v1"
    containment_id: UUID
    incident_id: UUID
    service: str
    action: str
    match: str
    reason: str
    actor: str
    expires_at: datetime
    at: datetime
    # Weights, or a breaker's threshold, as people wrote them.
    detail: str = ""


@dataclass(frozen=True)
class ContainmentLifted(Event):
    NAME: ClassVar[str] = "response.containment.lifted.v1"
    containment_id: UUID
    incident_id: UUID
    service: str
    action: str
    match: str
    actor: str
    expired: bool
    at: datetime
    # A recovery lifts what it has made unnecessary: the incident does not burn again because of it.
    by_recovery: bool = False


@dataclass(frozen=True)
class PlanProposed(Event):
    """A rollback or an undo waits for approval; `criteria` is what the eight rules say together of a rollback."""

    NAME: ClassVar[str] = "response.plan.proposed.v1"
    plan_id: UUID
    kind: str
    service: str
    title: str
    reason: str
    criteria: str
    actor: str
    at: datetime
    incident_id: UUID | None = None
    change_id: UUID | None = None
    title_phrase: dict[str, Any] | None = None


@dataclass(frozen=True)
class PlanApproved(Event):
    NAME: ClassVar[str] = "response.plan.approved.v1"
    plan_id: UUID
    kind: str
    service: str
    title: str
    actor: str
    at: datetime
    incident_id: UUID | None = None
    change_id: UUID | None = None
    title_phrase: dict[str, Any] | None = None


@dataclass(frozen=True)
class PlanFinished(Event):
    """A plan ended; `outcome` is succeeded or failed."""

    NAME: ClassVar[str] = "response.plan.finished.v1"
    plan_id: UUID
    kind: str
    service: str
    title: str
    outcome: str
    error: str
    at: datetime
    incident_id: UUID | None = None
    change_id: UUID | None = None
    title_phrase: dict[str, Any] | None = None


@dataclass(frozen=True)
class ReplicaGaveUp(Event):
    """A replica failed too often and is not started again by itself."""

    NAME: ClassVar[str] = "response.replica.gave_up.v1"
    service: str
    replica: str
    critical: bool
    restarts: int
    window_s: float
    error: str
    at: datetime


@dataclass(frozen=True)
class ReplicaCameBack(Event):
    """A replica that was given up runs again, or was stopped on purpose."""

    NAME: ClassVar[str] = "response.replica.came_back.v1"
    service: str
    replica: str
    stopped: bool
    at: datetime
