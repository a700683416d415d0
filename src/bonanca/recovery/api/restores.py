"""Restores and the databases that they keep, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.api.router import router
from bonanca.recovery.engines import Target
from bonanca.recovery.operations.create_restore_point import create_restore_point
from bonanca.recovery.operations.drop_kept import drop_kept
from bonanca.recovery.operations.keep_longer import keep_longer
from bonanca.recovery.operations.open_kept import open_kept
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.start_restore import start_restore
from bonanca.recovery.operations.undo_restore import undo_restore
from bonanca.recovery.state import RestoreMode, RestorePart


class FindingOut(Schema):
    key: str
    answer: Literal["ok", "no", "unknown", "risk"]
    words: str


class RestoreStepOut(Schema):
    key: str
    title: str
    expected_s: float | None


class RestoreOut(Schema):
    id: UUID
    service: str
    backup_id: UUID
    target_kind: str
    target_value: str
    mode: str
    database: str
    state: str
    refused: bool
    verdict: list[FindingOut]
    steps: list[RestoreStepOut]
    proposed_at: datetime
    expires_at: datetime
    started_at: datetime | None
    run_id: UUID | None
    outcome: str | None
    finished_at: datetime | None
    error: str
    kept: str | None
    part: str
    folder: str


class RestoreIn(Schema):
    service: str
    backup_id: UUID | None = None
    target_kind: Literal["backup", "time", "lsn", "point", "latest"] = "backup"
    target_value: str = ""
    timeline: int | None = None
    mode: RestoreMode = RestoreMode.BESIDE
    into: str = ""
    part: RestorePart | None = None
    folder: str = ""


class UndoRestoreOut(Schema):
    plan_id: UUID
    state: str


class KeepIn(Schema):
    hours: float


class OpenKeptIn(Schema):
    reason: str
    hours: float = 1.0


class KeptUntilOut(Schema):
    name: str
    until: datetime


class RestorePointIn(Schema):
    service: str
    name: str


class RestorePointOut(Schema):
    name: str
    lsn: str
    timeline: int
    created_at: datetime
    created_by: str


class DamagedWalOut(Schema):
    name: str
    errors: list[str]
    intact_in: list[str]


class WalOut(Schema):
    running: bool
    lag_bytes: int | None
    seen_at: datetime | None
    slot: str
    error: str
    files: int
    size_bytes: int
    waiting: int
    reaches: datetime | None
    points: list[RestorePointOut]
    damaged: list[DamagedWalOut]
    checked_at: datetime | None


@router.get("wal", response=WalOut | None)
def wal(request: HttpRequest, service: str) -> object:
    """Return how the service's log is received and archived; null when it declares none."""
    require(caller(request), Permission.READ)
    return queries.wal_of(service)


@router.post("restore-points", response={201: RestorePointOut})
def name_point(request: HttpRequest, data: RestorePointIn) -> object:
    """Name this moment of the service's server."""
    return create_restore_point(service=data.service, name=data.name, actor=caller(request), now=utc_now())


@router.get("restores", response=list[RestoreOut])
def list_restores(request: HttpRequest, service: str) -> object:
    """Return the service's restores, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.list_restores(service))


@router.post("restores", response={201: RestoreOut})
def propose(request: HttpRequest, data: RestoreIn) -> object:
    """Preview a restore: its verdict and its steps. Nothing on the service's server is touched."""
    return propose_restore(
        service=data.service,
        backup_id=data.backup_id,
        target=Target(data.target_kind, data.target_value, data.timeline),
        mode=data.mode,
        into=data.into,
        part=data.part,
        folder=data.folder,
        actor=caller(request),
        now=utc_now(),
    )


@router.get("restores/{uuid:restore_id}", response=RestoreOut)
def show(request: HttpRequest, restore_id: UUID) -> object:
    """Return one restore and how its plan stands."""
    require(caller(request), Permission.READ)
    return queries.get_restore(restore_id)


@router.post("restores/{uuid:restore_id}/start", response={202: RestoreOut})
def start(request: HttpRequest, restore_id: UUID) -> object:
    """Start a previewed restore."""
    return start_restore(restore_id, actor=caller(request), now=utc_now())


@router.post("restores/{uuid:restore_id}/undo", response={202: UndoRestoreOut})
def undo(request: HttpRequest, restore_id: UUID) -> object:
    """Start the plan that takes a restore back."""
    run = undo_restore(restore_id, actor=caller(request), now=utc_now())
    return {"plan_id": run.id, "state": run.state}


class KeptTreeOut(Schema):
    name: str
    path: str
    kept_path: str
    kept_at: datetime
    size_bytes: int | None
    expires_at: datetime


@router.get("kept-files", response=list[KeptTreeOut])
def kept_files(request: HttpRequest, service: str) -> object:
    """Return the folders and files that restores replaced; they are kept and dropped like databases, by their name."""
    require(caller(request), Permission.READ)
    return list(queries.kept_files(service))


@router.post("kept-databases/{service}/{name}/keep", response=KeptUntilOut)
def keep(request: HttpRequest, service: str, name: str, data: KeepIn) -> object:
    """Keep a replaced database longer than the policy says."""
    until = keep_longer(service=service, name=name, hours=data.hours, actor=caller(request), now=utc_now())
    return {"name": name, "until": until}


@router.post("kept-databases/{service}/{name}/open", response=KeptUntilOut)
def open_(request: HttpRequest, service: str, name: str, data: OpenKeptIn) -> object:
    """Let people read a kept database for a while; who and why is in the audit."""
    until = open_kept(
        service=service, name=name, reason=data.reason, hours=data.hours, actor=caller(request), now=utc_now()
    )
    return {"name": name, "until": until}


@router.post("kept-databases/{service}/{name}/drop", response={204: None})
def drop(request: HttpRequest, service: str, name: str) -> object:
    """Drop a kept database for good."""
    drop_kept(service=service, name=name, actor=caller(request), now=utc_now())
    return 204, None
