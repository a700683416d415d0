"""Erased people, reviews before data comes back, and everything kept, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema, Status
from pydantic import AwareDatetime

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.record_erasure import record_erasure
from bonanca.recovery.operations.tick_point import tick_point
from bonanca.recovery.queries import privacy
from bonanca.recovery.queries.keeping import everything_kept


class ErasureOut(Schema):
    id: UUID
    service: str
    mark: str
    reason: str
    from_query: bool
    erased_at: datetime
    recorded_at: datetime
    recorded_by: str


class ErasureIn(Schema):
    service: str
    reference: str
    reason: str
    erased_at: AwareDatetime | None = None


class PointOut(Schema):
    number: int
    kind: str
    name: str
    text: str
    remedy: str
    found: dict[str, Any]
    needs_note: bool
    state: str
    note: str
    ticked_by: str
    ticked_at: datetime | None
    second_by: str
    second_at: datetime | None


class ReviewOut(Schema):
    id: UUID
    run_id: UUID
    service: str
    title: str
    state: str
    waiting: bool
    over: bool
    four_eyes: bool
    created_at: datetime
    decided_at: datetime | None
    points: list[PointOut]


class PointTickIn(Schema):
    note: str = ""


class ReadingOut(Schema):
    by: str
    at: datetime
    why: str


class KeptThingOut(Schema):
    kind: str
    service: str
    key: str
    name: str
    since: datetime
    expires_at: datetime | None
    access: str
    open_until: datetime | None
    readings: list[ReadingOut]
    rows: int | None
    size_bytes: int | None


@router.get("erasures", response=list[ErasureOut])
def list_erasures(request: HttpRequest, service: str) -> object:
    """Return the register of people who were erased from a service, newest first; never a reference to anybody."""
    require(caller(request), Permission.READ)
    return list(privacy.erasures_of(service))


@router.post("erasures", response={201: ErasureOut})
def erase(request: HttpRequest, data: ErasureIn) -> object:
    """Record that a person was erased: they are erased again whenever older data comes back."""
    found = record_erasure(
        service=data.service,
        reference=data.reference,
        reason=data.reason,
        erased_at=data.erased_at,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, found)


@router.get("reviews", response=list[ReviewOut])
def list_reviews(request: HttpRequest, service: str | None = None) -> object:
    """Return what plans asked people to look at before data came back, newest first."""
    require(caller(request), Permission.READ)
    return list(privacy.list_reviews(service))


@router.get("reviews/{uuid:review_id}", response=ReviewOut)
def show_review(request: HttpRequest, review_id: UUID) -> object:
    """Return a review with its points."""
    require(caller(request), Permission.READ)
    return privacy.get_review(review_id)


@router.post("reviews/{uuid:review_id}/points/{int:number}/tick", response=ReviewOut)
def tick(request: HttpRequest, review_id: UUID, number: int, data: PointTickIn) -> object:
    """Say that you have looked at a point; with the last one the plan goes on."""
    return tick_point(review_id, number=number, note=data.note, actor=caller(request), now=utc_now())


@router.get("kept", response=list[KeptThingOut])
def list_kept(request: HttpRequest, service: str | None = None) -> object:
    """Return everything that is kept of people's data: until when, who may read it, and who has."""
    require(caller(request), Permission.READ)
    return list(everything_kept(service))
