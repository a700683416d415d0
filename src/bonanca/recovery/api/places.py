"""Where backups lie, over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Header, Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.api.backups import BackupOut, ReplicaOut, StartedPlanOut
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.retry_copy import retry_copy
from bonanca.recovery.operations.start_check import start_check
from bonanca.recovery.operations.start_rewrap import start_rewrap
from bonanca.recovery.operations.start_wal_check import start_wal_check


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


class SealedToOut(Schema):
    backup_id: UUID
    taken_at: datetime
    recipients: list[str] | None
    lost: bool
    undrilled: bool
    outdated: bool


class KeysOut(Schema):
    service: str
    declared: list[str]
    drilled_with: list[str] | None
    unread: str
    backups: list[SealedToOut]


class PlacesOut(Schema):
    service: str
    min_copies: int
    size_bytes: int
    places: list[PlaceOut]
    unfinished: list[UnfinishedOut]


class CheckIn(Schema):
    repair: bool = False


class WalCheckIn(Schema):
    service: str
    repair: bool = False


class RewrapIn(Schema):
    service: str


class RetryIn(Schema):
    place: str


@router.get("backup-places", response=PlacesOut)
def places(request: HttpRequest, service: str) -> object:
    """Return the service's places with what each holds and costs in bytes, and the copies that are not finished."""
    require(caller(request), Permission.READ)
    return queries.places_of(service)


@router.get("backup-keys", response=KeysOut)
def keys(request: HttpRequest, service: str) -> object:
    """Return the public keys that open the service's backups, and which backups no declared or drilled key opens."""
    require(caller(request), Permission.READ)
    return queries.keys_of(service)


@router.post("backups/{uuid:backup_id}/copies/retry", response={202: BackupOut})
def retry(request: HttpRequest, backup_id: UUID, data: RetryIn) -> object:
    """Have a copy that failed, was given up or is damaged made again by a worker."""
    return retry_copy(backup_id=backup_id, place=data.place, actor=caller(request), now=utc_now())


@router.post("backups/{uuid:backup_id}/check", response={202: StartedPlanOut})
def check(request: HttpRequest, backup_id: UUID, data: CheckIn, idempotency_key: Header[str | None] = None) -> object:
    """Start a plan that reads every copy of a backup, and with `repair` makes damaged ones again."""
    key = f"check:{backup_id}:asked:{idempotency_key or new_id()}"
    run = start_check(backup_id=backup_id, repair=data.repair, actor=caller(request), now=utc_now(), key=key)
    return {"plan_id": run.id, "state": run.state}


@router.post("wal/check", response={202: StartedPlanOut})
def check_log(request: HttpRequest, data: WalCheckIn, idempotency_key: Header[str | None] = None) -> object:
    """Start a plan that reads the archived log in every place, and with `repair` makes damaged files again."""
    key = f"check-wal:{data.service}:asked:{idempotency_key or new_id()}"
    run = start_wal_check(service=data.service, repair=data.repair, actor=caller(request), now=utc_now(), key=key)
    return {"plan_id": run.id, "state": run.state}


@router.post("backup-keys/rewrap", response={202: StartedPlanOut})
def rewrap(request: HttpRequest, data: RewrapIn, idempotency_key: Header[str | None] = None) -> object:
    """Start a plan that wraps backups for the declared recipients with the declared private key; none is sent here."""
    key = f"rewrap:{data.service}:asked:{idempotency_key or new_id()}"
    run = start_rewrap(service=data.service, actor=caller(request), now=utc_now(), key=key)
    return {"plan_id": run.id, "state": run.state}
