"""What the other rooms hear of incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class IncidentOpened(Event):
    NAME: ClassVar[str] = "incidents.incident.opened.v1"
    incident_id: UUID
    number: int
    title: str
    service: str
    team: str
    severity: str
    started_at: datetime
    alert_id: UUID | None = None
    # The title for readers of any language, when no person wrote it.
    title_phrase: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Moved(Event):
    """Base of the lifecycle's events."""

    NAME: ClassVar[str] = "incidents.incident.moved.v0"
    incident_id: UUID
    number: int
    service: str
    actor: str
    at: datetime


@dataclass(frozen=True)
class IncidentAcknowledged(_Moved):
    NAME: ClassVar[str] = "incidents.incident.acknowledged.v1"


@dataclass(frozen=True)
class IncidentContained(_Moved):
    NAME: ClassVar[str] = "incidents.incident.contained.v1"


@dataclass(frozen=True)
class IncidentMitigated(_Moved):
    NAME: ClassVar[str] = "incidents.incident.mitigated.v1"


@dataclass(frozen=True)
class IncidentResolved(_Moved):
    """`watch_for_h`: for how many hours it asks for a closer look at its service; 0 for none."""

    NAME: ClassVar[str] = "incidents.incident.resolved.v1"
    watch_for_h: float = 0.0


@dataclass(frozen=True)
class IncidentClosed(_Moved):
    NAME: ClassVar[str] = "incidents.incident.closed.v1"


@dataclass(frozen=True)
class IncidentReopened(_Moved):
    NAME: ClassVar[str] = "incidents.incident.reopened.v1"


@dataclass(frozen=True)
class SeverityChanged(Event):
    NAME: ClassVar[str] = "incidents.incident.severity_changed.v1"
    incident_id: UUID
    number: int
    service: str
    before: str
    after: str
    reason: str
