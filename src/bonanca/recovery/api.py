"""Backups, pins and what a rollback would cost, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Header, Router, Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.operations.start_backup import start_backup
from bonanca.recovery.operations.start_drill import start_drill

router = Router(tags=["backups"])


class ReplicaOut(Schema):
    place: str
    state: str
    size_bytes: int
    stored_at: datetime | None
    checked_at: datetime | None
    error: str


class BackupOut(Schema):
    id: UUID
    service: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    snapshot_at: datetime | None
    size_bytes: int
    sha256: str
    rows: int
    verified_at: datetime | None
    restore_seconds: float | None
    age_seconds: float | None
    error: str
    replicas: list[ReplicaOut]


class PinOut(Schema):
    id: UUID
    service: str
    change_id: str
    state: str
    release_sha: str
    config_sha256: str
    copy_name: str
    taken_at: datetime
    size_bytes: int | None
    held_seconds: float | None
    expires_at: datetime


class RowsAtRiskOut(Schema):
    table: str
    written_since: int | None
    changed: int | None
    sample: list[dict[str, Any]]
    problem: str


class KeptOut(Schema):
    name: str
    database: str
    kept_at: datetime
    kept_by: str
    size_bytes: int | None


class StartedPlanOut(Schema):
    plan_id: UUID
    state: str


class BackupIn(Schema):
    service: str
    verify: bool | None = None


@router.get("backups", response=list[BackupOut])
def list_backups(request: HttpRequest, service: str, limit: int = 50) -> object:
    """Return the service's backups, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.list_backups(service, limit=max(1, min(limit, 200))))


@router.post("backups", response={202: StartedPlanOut})
def take(request: HttpRequest, data: BackupIn, idempotency_key: Header[str | None] = None) -> object:
    """Start a plan that takes a backup and, where the private key is declared, restores it for proof."""
    run = start_backup(
        service=data.service,
        verify=data.verify,
        actor=caller(request),
        now=utc_now(),
        key=f"backup:{data.service}:asked:{idempotency_key or new_id()}",
    )
    return {"plan_id": run.id, "state": run.state}


@router.get("backups/{uuid:backup_id}", response=BackupOut)
def show(request: HttpRequest, backup_id: UUID) -> object:
    """Return one backup with its places."""
    require(caller(request), Permission.READ)
    return queries.get_backup(backup_id)


@router.post("backups/{uuid:backup_id}/verify", response={202: StartedPlanOut})
def verify(request: HttpRequest, backup_id: UUID, idempotency_key: Header[str | None] = None) -> object:
    """Start a plan that restores the backup into a scratch server and checks it."""
    key = f"drill:{backup_id}:asked:{idempotency_key or new_id()}"
    run = start_drill(backup_id=backup_id, actor=caller(request), now=utc_now(), key=key)
    return {"plan_id": run.id, "state": run.state}


@router.get("pins", response=list[PinOut])
def pins(request: HttpRequest, service: str) -> object:
    """Return the service's pins, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.pins_of(service))


@router.get("pins/{uuid:pin_id}/rows-at-risk", response=list[RowsAtRiskOut])
def at_risk(request: HttpRequest, pin_id: UUID) -> object:
    """Return what a return to the pin would set aside, counted now."""
    pin = queries.get_pin(pin_id)
    require(caller(request), Permission.RESPOND, team=queries.team_of(pin.service))
    return list(queries.rows_at_risk(pin.service, pin_id, utc_now()))


@router.get("kept-databases", response=list[KeptOut])
def kept(request: HttpRequest, service: str) -> object:
    """Return the databases that rollbacks of the service replaced and kept."""
    require(caller(request), Permission.READ)
    return list(queries.kept_databases(service))
