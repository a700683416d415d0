"""`/api/v1`: objectives, budgets and alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.clock import utc_now
from bonanca.signals import queries
from bonanca.signals.state import AlertState

router = Router(tags=["signals"])


class BudgetOut(Schema):
    """The error budget of one objective. Percentages are of the budget; spent may exceed 100."""

    slo: str
    name: str
    service: str
    objective: float = Field(description="Percent of requests that must be good.")
    window_s: int
    good: int
    bad: int
    total: int
    allowed_bad: float
    spent_percent: float
    remaining_percent: float
    status: str = Field(description="Deploy status: normal, caution, warning or freeze.")
    measured: bool = Field(description="False while the source cannot be believed.")
    partial: bool = Field(description="True while the history is shorter than the window.")
    history_s: int


class ServiceBudgetOut(Schema):
    """What the budgets of a service allow, and its state at this moment."""

    service: str
    status: str
    spent_percent: float
    measured: bool
    state: str = Field(description="burning, at_risk, calm or unknown.")
    error_ratio: float | None
    rps: float | None
    budgets: list[BudgetOut]


class AlertOut(Schema):
    """One alert."""

    id: UUID
    fingerprint: str
    door: str
    service: str
    slo: str
    severity: str
    state: str
    summary: str
    starts_at: datetime
    detected_at: datetime
    ends_at: datetime | None
    labels: dict[str, str]
    annotations: dict[str, str]
    evidence: dict[str, Any]


def _reader(request: HttpRequest) -> Actor:
    return require(getattr(request, "actor", None), Permission.READ)


@router.get("slos", response=list[BudgetOut], summary="Every objective with its error budget")
def list_slos(request: HttpRequest) -> Any:
    """Every declared objective with its error budget of this moment."""
    _reader(request)
    # A list: ninja reads a pair of anything as (status, body).
    return list(queries.budgets(utc_now()))


@router.get("slos/{slug}", response=BudgetOut, summary="One objective with its error budget")
def get_slo(request: HttpRequest, slug: str) -> Any:
    """One objective."""
    _reader(request)
    return queries.budget(slug, utc_now())


@router.get("services/{slug}/budget", response=ServiceBudgetOut, summary="What a service's budgets allow")
def service_budget(request: HttpRequest, slug: str) -> Any:
    """Deploy status and budgets of one service."""
    _reader(request)
    now = utc_now()
    status, present = queries.deploy_status(slug, now), queries.current(slug, now)
    return {
        "service": slug,
        "status": status.status,
        "spent_percent": status.spent_percent,
        "measured": status.measured,
        "state": present.state,
        "error_ratio": present.error_ratio,
        "rps": present.rps,
        "budgets": list(queries.budgets(now, slug)),
    }


@router.get("alerts", response=list[AlertOut], summary="Alerts, the newest first")
def list_alerts(
    request: HttpRequest,
    state: AlertState | None = None,
    service: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Any:
    """Alerts of every door."""
    _reader(request)
    return list(queries.alerts(state=state, service=service, limit=limit, offset=offset))


@router.get("alerts/{alert_id}", response=AlertOut, summary="One alert")
def get_alert(request: HttpRequest, alert_id: UUID) -> Any:
    """One alert with its evidence."""
    _reader(request)
    return queries.get_alert(alert_id)
