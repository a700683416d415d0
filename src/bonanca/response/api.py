"""Containment, deployment and rollback over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.kernel.clock import utc_now
from bonanca.response import queries
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.contain import contain
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.operations.propose_undo import propose_undo
from bonanca.response.operations.start_deployment import start_deployment
from bonanca.response.operations.undo_containment import undo_containment
from bonanca.response.operations.withdraw_plan import withdraw_plan

router = Router(tags=["response"])


class ContainmentOut(Schema):
    id: UUID
    service: str
    action: str
    match: str
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


class PreviewedTableOut(Schema):
    table: str
    written_since: int | None
    changed: int | None
    sample: list[dict[str, Any]]
    problem: str


class PreviewedCheckOut(Schema):
    passed: bool
    words: str


class PreviewedStepOut(Schema):
    key: str
    kind: str
    title: str
    expected_s: float | None


class PreviewOut(Schema):
    code_from: str
    code_to: str
    config_diff: str
    pinned_at: datetime | None
    rows_at_risk: list[PreviewedTableOut]
    rows_total: int
    checks: list[PreviewedCheckOut]
    passed: bool
    steps: list[PreviewedStepOut]
    expected_s: float


class ResponsePlanOut(Schema):
    id: UUID
    kind: str
    service: str
    title: str
    state: str
    incident_id: UUID | None
    change_id: UUID | None
    undoes_id: UUID | None
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    approved_by: str
    approved_at: datetime | None
    finished_at: datetime | None
    run_id: UUID | None
    error: str
    preview: PreviewOut


class DeployIn(Schema):
    override_reason: str = ""


class RollbackIn(Schema):
    incident: int | None = None


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
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, applied)


@router.post("containments/{uuid:containment_id}/undo", response=ContainmentOut)
def undo(request: HttpRequest, containment_id: UUID) -> object:
    """Lift a containment."""
    return undo_containment(containment_id, actor=caller(request), now=utc_now())


@router.post("changes/{int:number}/deploy", response={201: ResponsePlanOut})
def deploy(request: HttpRequest, number: int, data: DeployIn) -> object:
    """Deploy a change whose gates are open."""
    plan = start_deployment(
        change_by_number(number).id, override_reason=data.override_reason, actor=caller(request), now=utc_now()
    )
    return Status(201, plan)


@router.post("changes/{int:number}/rollback", response={201: ResponsePlanOut})
def rollback(request: HttpRequest, number: int, data: RollbackIn) -> object:
    """Preview going back to the state before a change; it waits for approval."""
    incident_id = incident_by_number(data.incident).id if data.incident is not None else None
    plan = propose_rollback(
        change_id=change_by_number(number).id, incident_id=incident_id, actor=caller(request), now=utc_now()
    )
    return Status(201, plan)


@router.get("response-plans", response=list[ResponsePlanOut])
def list_plans(request: HttpRequest, service: str | None = None) -> object:
    """Return proposed plans, newest first."""
    require(caller(request), Permission.READ)
    return list(queries.plans(service=service))


@router.get("response-plans/{uuid:plan_id}", response=ResponsePlanOut)
def show(request: HttpRequest, plan_id: UUID) -> object:
    """Return a proposed plan with its preview."""
    require(caller(request), Permission.READ)
    return queries.get_plan(plan_id)


@router.post("response-plans/{uuid:plan_id}/approve", response=ResponsePlanOut)
def approve(request: HttpRequest, plan_id: UUID) -> object:
    """Approve a plan and start it."""
    return approve_plan(plan_id, actor=caller(request), now=utc_now())


@router.post("response-plans/{uuid:plan_id}/withdraw", response=ResponsePlanOut)
def withdraw(request: HttpRequest, plan_id: UUID) -> object:
    """Take back a plan that nobody has approved."""
    return withdraw_plan(plan_id, actor=caller(request), now=utc_now())


@router.post("response-plans/{uuid:plan_id}/undo", response={201: ResponsePlanOut})
def undo_plan(request: HttpRequest, plan_id: UUID) -> object:
    """Preview the undo of a rollback that has ended; it waits for approval."""
    return Status(201, propose_undo(plan_id, actor=caller(request), now=utc_now()))
