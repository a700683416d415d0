"""Deployments over HTTP."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Schema, Status

from bonanca.access.tokens import caller
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.kernel.clock import utc_now
from bonanca.response.api.router import router
from bonanca.response.api.shapes import ResponsePlanOut
from bonanca.response.operations.start_deployment import start_deployment


class DeployIn(Schema):
    override_reason: str = ""


@router.post("changes/{int:number}/deploy", response={201: ResponsePlanOut})
def deploy(request: HttpRequest, number: int, data: DeployIn) -> object:
    """Deploy a change whose gates are open."""
    plan = start_deployment(
        change_by_number(number).id, override_reason=data.override_reason, actor=caller(request), now=utc_now()
    )
    return Status(201, plan)
