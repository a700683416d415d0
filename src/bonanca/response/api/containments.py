"""Containments over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.kernel.clock import utc_now
from bonanca.response import queries
from bonanca.response.api.router import router
from bonanca.response.operations.contain import contain
from bonanca.response.operations.undo_containment import undo_containment


class ContainmentOut(Schema):
    id: UUID
    service: str
    action: str
    match: str
    detail: str
    reason: str
    state: str
    applied_by: str
    applied_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class ContainIn(Schema):
    action: str
    match: str = ""
    expires_in_s: int = 1800
    reason: str
    weights: str = ""
    threshold_percent: int = 0


@router.get("incidents/{int:number}/containments", response=list[ContainmentOut])
def containments(request: HttpRequest, number: int) -> object:
    """Return an incident's containments, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.containments_of(incident_by_number(number).id))


@router.post("incidents/{int:number}/containments", response={201: ContainmentOut})
def contain_(request: HttpRequest, number: int, data: ContainIn) -> object:
    """Contain an incident at the gateway."""
    applied = contain(
        incident_id=incident_by_number(number).id,
        action=data.action,
        match=data.match,
        expires_in_s=data.expires_in_s,
        reason=data.reason,
        weights=data.weights,
        threshold_percent=data.threshold_percent,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, applied)


@router.post("containments/{uuid:containment_id}/undo", response=ContainmentOut)
def undo(request: HttpRequest, containment_id: UUID) -> object:
    """Lift a containment."""
    return undo_containment(containment_id, actor=caller(request), now=utc_now())
