"""What the other rooms hear of what follows an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class WatchStarted(Event):
    """A service is watched closer than usual from now `until` then; of one that runs, its end was moved."""

    NAME: ClassVar[str] = "aftercare.watch.started.v1"
    watch_id: UUID
    service: str
    origin: str
    until: datetime
    tighten: float
    at: datetime
    incident_id: UUID | None = None
    plan_id: UUID | None = None
    extended: bool = False


@dataclass(frozen=True)
class WatchEnded(Event):
    """A reinforced watch is over: `outcome` is calm, returned or ended; `words` say why, as a phrase or a person's."""

    NAME: ClassVar[str] = "aftercare.watch.ended.v1"
    watch_id: UUID
    service: str
    outcome: str
    words: str | dict[str, Any]
    at: datetime
    actor: str
    incident_id: UUID | None = None
    plan_id: UUID | None = None
    # Set when it came back and an alert says so; another alert may have been first.
    alert_id: UUID | None = None


@dataclass(frozen=True)
class ReexecutionListed(Event):
    """What failed in a period was listed; nothing has been run again yet. `found`: items a source."""

    NAME: ClassVar[str] = "aftercare.reexecution.listed.v1"
    reexecution_id: UUID
    service: str
    found: dict[str, int]
    actor: str
    at: datetime
    incident_id: UUID | None = None


@dataclass(frozen=True)
class ReexecutionStarted(Event):
    """Failed work is being run again."""

    NAME: ClassVar[str] = "aftercare.reexecution.started.v1"
    reexecution_id: UUID
    service: str
    items: int
    actor: str
    at: datetime
    incident_id: UUID | None = None


@dataclass(frozen=True)
class ReexecutionEnded(Event):
    """Its plan has ended: `outcome` is done or stopped; after a retry it comes again. `counts`: items an outcome."""

    NAME: ClassVar[str] = "aftercare.reexecution.ended.v1"
    reexecution_id: UUID
    service: str
    outcome: str
    counts: dict[str, int]
    error: str
    at: datetime
    incident_id: UUID | None = None
