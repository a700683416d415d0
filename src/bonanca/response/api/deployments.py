"""Deployments over HTTP."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Schema, Status

from bonanca.access.tokens import caller
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.kernel.clock import utc_now
from bonanca.response.api.router import router
from bonanca.response.api.shapes import PreviewedStepOut, ResponsePlanOut
from bonanca.response.operations.draw_up_deployment import draw_up_deployment
from bonanca.response.operations.start_deployment import start_deployment


class DeployIn(Schema):
    override_reason: str = ""


class PinChoiceOut(Schema):
    """A way of pinning the data; seconds and bytes are those of its last use here (null: never measured)."""

    kind: str
    declared: bool
    held_s: float | None
    took_s: float | None
    size_bytes: int | None
    measured_at: datetime | None
    shares_blocks: bool
    back_s: float | None
    why_not: str


class DeploymentDraftOut(Schema):
    """A deployment as it would be started; nothing was stored."""

    steps: list[PreviewedStepOut]
    expected_s: float
    pins: list[PinChoiceOut]


@router.get("changes/{int:number}/deployment", response=DeploymentDraftOut)
def preview_deployment(request: HttpRequest, number: int) -> object:
    """Say what deploying a change would do, and what pinning the state before it costs. Nothing is written."""
    return draw_up_deployment(change_by_number(number).id, actor=caller(request))


@router.post("changes/{int:number}/deploy", response={201: ResponsePlanOut})
def deploy(request: HttpRequest, number: int, data: DeployIn) -> object:
    """Deploy a change whose gates are open."""
    plan = start_deployment(
        change_by_number(number).id, override_reason=data.override_reason, actor=caller(request), now=utc_now()
    )
    return Status(201, plan)
