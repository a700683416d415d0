"""Backups over HTTP."""

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
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.start_backup import start_backup
from bonanca.recovery.operations.start_drill import start_drill


class RootOut(Schema):
    path: str
    files: int
    folders: int
    links: int
    bytes: int


class FilesOut(Schema):
    """What a backup took of folders and files; `left` are pairs of path and reason. Long lists are cut, counts not."""

    files: int
    bytes: int
    roots: list[RootOut]
    left: list[tuple[str, str]]
    left_count: int
    changed: list[str]
    changed_count: int


class ReplicaOut(Schema):
    place: str
    state: str
    size_bytes: int
    stored_at: datetime | None
    checked_at: datetime | None
    error: str
    bytes_done: int
    attempts: int
    next_try_at: datetime | None
    locked_until: datetime | None


class BackupOut(Schema):
    """`tables`: name, rows, and bytes in the dump where several workers made it."""

    id: UUID
    service: str
    engine: str
    kinds: dict[str, str]
    ciphers: dict[str, str]
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
    files: FilesOut | None
    tables: list[tuple[str, int | None, int | None]]


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
