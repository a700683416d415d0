"""`/api/v1/contingencies`: what to do while a service is away."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.risks import queries
from bonanca.risks.operations.end_contingency import end_contingency
from bonanca.risks.operations.start_contingency import start_contingency
from bonanca.risks.operations.tick_step import tick_step
from bonanca.risks.views import ContingencyView

router = Router(tags=["contingencies"])


class UseStepOut(Schema):
    number: int
    phase: str
    text: str
    state: str
    ended_by: str
    ended_at: datetime | None
    note: str


class UseOut(Schema):
    id: UUID
    service: str
    contingency: str
    name: str
    exercise: bool
    incident_id: UUID | None
    state: str
    reason: str
    started_by: str
    started_at: datetime
    ended_by: str
    ended_at: datetime | None
    note: str
    steps: list[UseStepOut]


class DeclaredOut(Schema):
    slug: str
    name: str
    kind: str
    when: str
    who: str
    begin: list[str]
    end: list[str]
    exercise_every_days: float
    max_h: float | None


class ContingencyOut(Schema):
    service: str
    declared: DeclaredOut
    mark: str
    last_passed_at: datetime | None
    due_at: datetime | None
    over_time: bool
    running: UseOut | None


class StartIn(Schema):
    reason: str = ""
    exercise: bool = False
    incident_id: UUID | None = None


class OutcomeIn(Schema):
    outcome: Literal["done", "failed", "skipped"] = "done"
    note: str = ""


class EndIn(Schema):
    note: str = ""
    early: bool = False


@router.get("contingencies", response=list[ContingencyOut])
def list_contingencies(request: HttpRequest, service: str | None = None) -> object:
    """Return the declared contingencies, with what their exercises say."""
    require(caller(request), Permission.READ)
    now = utc_now()
    found: tuple[ContingencyView, ...] = (
        queries.contingencies(now) if service is None else queries.contingencies_of(service, now)
    )
    return list(found)


@router.post("contingencies/{service}/{slug}/start", response={201: UseOut})
def start(request: HttpRequest, service: str, slug: str, data: StartIn) -> object:
    """Begin a contingency in earnest (with a reason), or as an exercise."""
    begun = start_contingency(
        service=service,
        slug=slug,
        reason=data.reason,
        exercise=data.exercise,
        incident_id=data.incident_id,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, begun)


@router.get("contingency-uses/{uuid:use_id}", response=UseOut)
def show(request: HttpRequest, use_id: UUID) -> object:
    """Return one use or exercise with its steps."""
    require(caller(request), Permission.READ)
    return queries.get_use(use_id)


@router.post("contingency-uses/{uuid:use_id}/steps/{int:number}/tick", response=UseOut)
def tick(request: HttpRequest, use_id: UUID, number: int, data: OutcomeIn) -> object:
    """Say what became of a step; what was not done needs a note."""
    return tick_step(
        use_id=use_id, number=number, outcome=data.outcome, note=data.note, actor=caller(request), now=utc_now()
    )


@router.post("contingency-uses/{uuid:use_id}/end", response=UseOut)
def end(request: HttpRequest, use_id: UUID, data: EndIn) -> object:
    """Come back to normal: every step is done or left out; or end early with a reason."""
    return end_contingency(use_id=use_id, note=data.note, early=data.early, actor=caller(request), now=utc_now())
