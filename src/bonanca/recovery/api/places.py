"""Where backups lie, over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.api.backups import BackupOut, ReplicaOut
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.retry_copy import retry_copy


class PlaceOut(Schema):
    place: str
    declared: bool
    lock_days: int
    copies: int
    size_bytes: int
    waiting: int
    damaged: int
    last_stored_at: datetime | None


class UnfinishedOut(Schema):
    backup_id: UUID
    taken_at: datetime
    wanted_bytes: int
    percent: float | None
    replica: ReplicaOut


class PlacesOut(Schema):
    service: str
    min_copies: int
    size_bytes: int
    places: list[PlaceOut]
    unfinished: list[UnfinishedOut]


class RetryIn(Schema):
    place: str


@router.get("backup-places", response=PlacesOut)
def places(request: HttpRequest, service: str) -> object:
    """Return the service's places with what each holds and costs in bytes, and the copies that are not finished."""
    require(caller(request), Permission.READ)
    return queries.places_of(service)


@router.post("backups/{uuid:backup_id}/copies/retry", response={202: BackupOut})
def retry(request: HttpRequest, backup_id: UUID, data: RetryIn) -> object:
    """Have a copy that failed, was given up or is damaged made again by a worker."""
    return retry_copy(backup_id=backup_id, place=data.place, actor=caller(request), now=utc_now())
