"""Reinforced watches over HTTP: those that are on and were, one with its minutes, beginning and ending one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.aftercare import queries
from bonanca.aftercare.api.router import router
from bonanca.aftercare.operations.end_watch import end_watch
from bonanca.aftercare.operations.start_watch import start_watch
from bonanca.incidents.queries import by_number
from bonanca.kernel.clock import utc_now


class WatchFindingOut(Schema):
    kind: str
    severity: str
    words: str
    facts: dict[str, Any]
    at: datetime


class WatchOut(Schema):
    id: UUID
    service: str
    team: str
    origin: str
    incident_id: UUID | None
    plan_id: UUID | None
    severity: str
    state: str
    tighten: float
    shorten: float
    started_at: datetime
    started_by: str
    until: datetime
    looked_at: datetime | None
    requests: int
    failed: int
    checks: int
    unseen_s: float
    worst_share: float
    findings: list[WatchFindingOut]
    ended_at: datetime | None
    ended_by: str
    end_reason: str
    alert_id: UUID | None


class WatchMinuteOut(Schema):
    at: datetime
    requests: int
    failed: int
    share: float | None
    checks: int
    failing: list[dict[str, str]]
    held: bool


class WatchIn(Schema):
    service: str
    # Absent: as the service declares.
    hours: float | None = None
    incident: int | None = None


class WatchEndIn(Schema):
    reason: str


@router.get("watches", response=list[WatchOut])
def list_watches(
    request: HttpRequest, service: str | None = None, state: str | None = None, limit: int = 100
) -> object:
    """Return reinforced watches: those that are on first, then the newest."""
    require(caller(request), Permission.READ)
    return list(queries.watches(service=service, state=state, limit=max(1, min(limit, 500))))


@router.post("watches", response={201: WatchOut})
def start(request: HttpRequest, data: WatchIn) -> object:
    """Watch a service closer for a while; one that is being watched is watched longer."""
    incident = by_number(data.incident).id if data.incident is not None else None
    begun = start_watch(data.service, hours=data.hours, incident_id=incident, actor=caller(request), now=utc_now())
    return Status(201, begun)


@router.get("watches/{uuid:watch_id}", response=WatchOut)
def show(request: HttpRequest, watch_id: UUID) -> object:
    """Return a watch: its thresholds, what was counted, what was found, how it ended."""
    require(caller(request), Permission.READ)
    return queries.get_watch(watch_id)


@router.get("watches/{uuid:watch_id}/minutes", response=list[WatchMinuteOut])
def minutes(request: HttpRequest, watch_id: UUID, limit: int = 1440) -> object:
    """Return its minutes, oldest first: requests, failures, the share of the nearest threshold, failing checks."""
    require(caller(request), Permission.READ)
    found = queries.get_watch(watch_id)
    return list(queries.samples_of(found.id, limit=max(1, min(limit, 50_000))))


@router.post("watches/{uuid:watch_id}/end", response=WatchOut)
def end(request: HttpRequest, watch_id: UUID, data: WatchEndIn) -> object:
    """Stop looking closer before the time is over, and say why."""
    return end_watch(watch_id, reason=data.reason, actor=caller(request), now=utc_now())
