"""`/api/v1/plans`: what runs, and retry, undo, cancel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable import queries
from bonanca.durable.operations import cancel_plan as cancelling
from bonanca.durable.operations import retry_plan as retrying
from bonanca.durable.operations import undo_plan as undoing
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView
from bonanca.kernel.clock import utc_now

router = Router(tags=["plans"])


class StepOut(Schema):
    """One step of a plan."""

    key: str
    kind: str
    title: str
    direction: str = Field(description="apply, or undo in a plan that takes another one back.")
    state: str = Field(description="pending, running, done, failed or skipped.")
    started_at: datetime | None
    finished_at: datetime | None
    timeout_s: float
    expected_s: float | None
    attempts: int
    error: str
    progress_fraction: float | None = Field(description="Between 0 and 1; null when it is unknown.")
    progress_text: str
    receipt: dict[str, Any] | None

    @staticmethod
    def resolve_progress_fraction(step: queries.StepView) -> float | None:
        return step.progress[0]

    @staticmethod
    def resolve_progress_text(step: queries.StepView) -> str:
        return step.progress[1]


class PlanOut(Schema):
    """One plan with its steps."""

    id: UUID
    kind: str
    subject: str
    title: str
    state: str = Field(description="queued, running, succeeded, failed or cancelled.")
    steps: list[StepOut]
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    epoch: int = Field(description="How many workers have taken the plan.")
    takeovers: int = Field(description="How often a worker stepped in for a dead one.")
    worker: str
    error: str
    hint: str = Field(description="The next sensible move after a failure.")
    cancel_requested: bool
    undo_of: UUID | None
    context: dict[str, Any]


def _actor(request: HttpRequest) -> Actor:
    return require(getattr(request, "actor", None), Permission.READ)


@router.get("plans/", response=list[PlanOut], summary="Plans, the newest first")
def list_plans(
    request: HttpRequest,
    subject: str | None = None,
    kind: str | None = None,
    state: RunState | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[PlanRunView]:
    """All plans, or those of one subject, kind or state."""
    _actor(request)
    states = None if state is None else [state]
    # A list: ninja reads a pair of anything as (status, body).
    return list(queries.list_runs(subject=subject, kind=kind, states=states, limit=limit))


@router.get("plans/{run_id}", response=PlanOut, summary="One plan")
def get_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """One plan with its steps and receipts."""
    _actor(request)
    return queries.get_run(run_id)


@router.post("plans/{run_id}/retry", response=PlanOut, summary="Go on from the step that failed")
def retry_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """What is done stays done. 409 when the plan has not failed."""
    return retrying.retry_plan(run_id, actor=_actor(request), now=utc_now())


@router.post("plans/{run_id}/undo", response=PlanOut, summary="Take a plan back")
def undo_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """Answers with the plan that takes it back; asking twice gives the same one."""
    return undoing.undo_plan(run_id, actor=_actor(request), now=utc_now())


@router.post("plans/{run_id}/cancel", response=PlanOut, summary="Stop a plan before its next step")
def cancel_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """What was done stays; undo takes it back. 409 when the plan has ended."""
    return cancelling.cancel_plan(run_id, actor=_actor(request), now=utc_now())
