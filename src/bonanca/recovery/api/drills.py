"""Drills over HTTP: the marks of every service, drills with their evidence, and starting one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Header, Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.api.backups import StartedPlanOut
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.start_due_drills import drill_service


class ObjectivesOut(Schema):
    rto_s: float | None
    rto_measured_s: float | None
    rpo_s: float | None
    rpo_measured_s: float | None
    rto_met: bool | None
    rpo_met: bool | None


class ReadinessOut(Schema):
    service: str
    team: str
    ok: bool
    backup_mark: str
    drill_mark: str
    backup_every_h: float
    drill_every_h: float | None
    pick: str
    objectives: ObjectivesOut
    unprotected_s: float | None
    last_good_at: datetime | None
    next_drill_at: datetime | None
    drill_running: bool


class DrillOut(Schema):
    id: UUID
    backup_id: UUID
    service: str
    state: str
    run_by: str
    started_at: datetime
    finished_at: datetime | None
    restore_seconds: float | None
    age_seconds: float | None
    error: str


class DrillWithEvidenceOut(DrillOut):
    evidence: dict[str, Any]


class DrillIn(Schema):
    service: str
    pick: Literal["newest", "random"] | None = None


@router.get("readiness", response=list[ReadinessOut])
def marks(request: HttpRequest) -> object:
    """Return whether each service that declares a backup could come back: its marks and what they rest on."""
    require(caller(request), Permission.READ)
    return list(queries.readiness(utc_now()))


@router.get("drills", response=list[DrillOut])
def list_drills(request: HttpRequest, service: str | None = None, limit: int = 50) -> object:
    """Return drills, newest first, of one service or of all."""
    require(caller(request), Permission.READ)
    return list(queries.list_drills(service, limit=max(1, min(limit, 200))))


@router.get("drills/{uuid:drill_id}", response=DrillWithEvidenceOut)
def show(request: HttpRequest, drill_id: UUID) -> object:
    """Return one drill with its evidence: checks, row counts, places read, seconds of each phase."""
    require(caller(request), Permission.READ)
    return queries.get_drill(drill_id)


@router.post("drills", response={202: StartedPlanOut})
def drill(request: HttpRequest, data: DrillIn, idempotency_key: Header[str | None] = None) -> object:
    """Start a plan that restores a backup of the service into a scratch server and checks it."""
    key = f"drill:{data.service}:asked:{idempotency_key or new_id()}"
    run = drill_service(service=data.service, pick=data.pick, actor=caller(request), now=utc_now(), key=key)
    return {"plan_id": run.id, "state": run.state}
