"""Proposed plans over HTTP, and what people decide about them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Schema

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.kernel.clock import utc_now
from bonanca.response import queries
from bonanca.response.api.router import router
from bonanca.response.api.shapes import ResponsePlanOut
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.withdraw_plan import withdraw_plan
from bonanca.response.state import Door


class ApproveIn(Schema):
    """`override_reason` is needed against criteria that forbid it."""

    override_reason: str = ""


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
def approve(request: HttpRequest, plan_id: UUID, data: ApproveIn | None = None) -> object:
    """Approve a plan and start it."""
    why = data.override_reason if data else ""
    return approve_plan(plan_id, override_reason=why, via=Door.API, actor=caller(request), now=utc_now())


@router.post("response-plans/{uuid:plan_id}/withdraw", response=ResponsePlanOut)
def withdraw(request: HttpRequest, plan_id: UUID) -> object:
    """Take back a plan that nobody has approved."""
    return withdraw_plan(plan_id, actor=caller(request), now=utc_now())
