"""A service's replicas over HTTP: how they are, restart, stop, divide requests among them."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Schema, Status

from bonanca.access.permissions import Permission, require
from bonanca.access.tokens import caller
from bonanca.catalog.queries import get_service
from bonanca.kernel.clock import utc_now
from bonanca.response import queries
from bonanca.response.api.router import router
from bonanca.response.api.shapes import ResponsePlanOut
from bonanca.response.operations.operate_service import restart_service, shift_traffic, stop_service


class SupervisedReplicaOut(Schema):
    service: str
    name: str
    port: int
    state: str
    since: datetime
    release: str
    restarts: int
    restarted_at: datetime | None
    error: str


class OperateIn(Schema):
    reason: str


class ShiftIn(Schema):
    weights: str
    expires_in_s: int = 3600
    reason: str


@router.get("services/{slug}/replicas", response=list[SupervisedReplicaOut])
def replicas(request: HttpRequest, slug: str) -> object:
    """Return a service's replicas as their workers saw them last."""
    require(caller(request), Permission.READ)
    return list(queries.replicas(service=get_service(slug).slug))


@router.post("services/{slug}/restart", response={201: ResponsePlanOut})
def restart(request: HttpRequest, slug: str, data: OperateIn) -> object:
    """Restart every replica in turn, or start what is stopped or was given up."""
    return Status(201, restart_service(slug, reason=data.reason, actor=caller(request), now=utc_now()))


@router.post("services/{slug}/stop", response={201: ResponsePlanOut})
def stop(request: HttpRequest, slug: str, data: OperateIn) -> object:
    """Let every replica finish its work and end."""
    return Status(201, stop_service(slug, reason=data.reason, actor=caller(request), now=utc_now()))


@router.post("services/{slug}/traffic", response={201: ResponsePlanOut})
def traffic(request: HttpRequest, slug: str, data: ShiftIn) -> object:
    """Share requests out by weight, such as `8001=3 8002=1` or `replicas=90 standby=10`, for a limited time."""
    plan = shift_traffic(
        slug,
        weights=data.weights,
        expires_in_s=data.expires_in_s,
        reason=data.reason,
        actor=caller(request),
        now=utc_now(),
    )
    return Status(201, plan)
