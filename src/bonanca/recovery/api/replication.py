"""Standbys over HTTP: how far behind they are, and making one the primary."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Header, Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.api.backups import StartedPlanOut
from bonanca.recovery.api.router import router
from bonanca.recovery.operations.preview_promotion import preview_promotion
from bonanca.recovery.operations.preview_rejoin import preview_rejoin
from bonanca.recovery.operations.start_promotion import start_promotion
from bonanca.recovery.operations.start_rejoin import start_rejoin


class KeptSlotOut(Schema):
    server: str
    held_bytes: int
    command: str


class ReplicationOut(Schema):
    service: str
    team: str
    at: datetime | None
    healthy: bool | None
    lagging: bool
    holding: bool
    lag_s: float | None
    lag_bytes: int | None
    wal_bytes: int | None
    slot_bytes: int | None
    checkpoint_age_s: float | None
    error: str
    kept_slots: list[KeptSlotOut]
    orphans: list[KeptSlotOut]
    left_closed: bool


class PlannedStepOut(Schema):
    key: str
    kind: str
    title: str
    expected_s: float | None


class PromotionPreviewOut(Schema):
    service: str
    primary_answers: bool
    begun: bool
    lag_s: float | None
    lag_bytes: int | None
    problems: list[str]
    steps: list[PlannedStepOut]
    undo: list[str]


class RejoinPreviewOut(Schema):
    service: str
    data: str
    rewind: bool
    why: str
    kept_as: str
    problems: list[str]
    steps: list[PlannedStepOut]
    steps_back: list[PlannedStepOut]
    words: list[str]
    words_back: list[str]


class RejoinIn(Schema):
    back: bool = False


class PromoteIn(Schema):
    accept_loss: bool = False


@router.get("replication", response=list[ReplicationOut])
def list_standbys(request: HttpRequest) -> object:
    """Return every declared standby, as the last look found it."""
    require(caller(request), Permission.READ)
    return list(queries.replication())


@router.get("replication/{service}/promotion", response=PromotionPreviewOut)
def preview(request: HttpRequest, service: str) -> object:
    """Ask both servers and return what making the standby the primary would do, and what forbids it."""
    return preview_promotion(service=service, actor=caller(request), now=utc_now())


@router.post("replication/{service}/promotion", response={202: StartedPlanOut})
def promote(request: HttpRequest, service: str, data: PromoteIn, idempotency_key: Header[str | None] = None) -> object:
    """Start the plan that closes the primary and makes the standby the primary."""
    run = start_promotion(
        service=service,
        actor=caller(request),
        now=utc_now(),
        key=f"promotion:{service}:asked:{idempotency_key or new_id()}",
        accept_loss=data.accept_loss,
    )
    return {"plan_id": run.id, "state": run.state}


@router.get("replication/{service}/rejoin", response=RejoinPreviewOut)
def show_rejoin(request: HttpRequest, service: str) -> object:
    """Return what making the old primary a standby again (or the primary: `back`) would do, and what forbids it."""
    return preview_rejoin(service=service, actor=caller(request), now=utc_now())


@router.post("replication/{service}/rejoin", response={202: StartedPlanOut})
def rejoin(request: HttpRequest, service: str, data: RejoinIn, idempotency_key: Header[str | None] = None) -> object:
    """Start the plan that makes the old primary a standby; with `back` it takes the promotion back."""
    run = start_rejoin(
        service=service,
        actor=caller(request),
        now=utc_now(),
        key=f"rejoin:{service}:asked:{idempotency_key or new_id()}",
        back=data.back,
    )
    return {"plan_id": run.id, "state": run.state}
