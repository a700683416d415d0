"""`/api/v1/plans`: what runs, and how people steer it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable import queries
from bonanca.durable import stuck as getting_on
from bonanca.durable.hiding import hidden
from bonanca.durable.operations import abort_plan as aborting
from bonanca.durable.operations import cancel_plan as cancelling
from bonanca.durable.operations import pause_plan as pausing
from bonanca.durable.operations import resume_plan as resuming
from bonanca.durable.operations import retry_plan as retrying
from bonanca.durable.operations import skip_step as skipping
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
    receipt: dict[str, Any] | None = Field(description="What it did; values of environments are not shown.")
    retry_for_s: float = Field(description="Seconds for which failures that may pass are tried again.")
    skip_reason: str = Field(description="Why a person had it left out; empty otherwise.")
    skipped_by: str

    @staticmethod
    def resolve_progress_fraction(step: queries.StepView) -> float | None:
        return step.progress[0]

    @staticmethod
    def resolve_receipt(step: queries.StepView) -> Any:
        return hidden(step.receipt)

    @staticmethod
    def resolve_progress_text(step: queries.StepView) -> str:
        return step.progress[1]


class StuckOut(Schema):
    """Why a plan does not get on, and what a person can do about it."""

    step: str = Field(description="The step's key; empty when no worker carries the plan out.")
    for_s: float
    why: str
    next_move: str


class PlanOut(Schema):
    """One plan with its steps."""

    id: UUID
    kind: str
    subject: str
    title: str
    state: str = Field(description="queued, running, paused, succeeded, failed or cancelled.")
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
    pause_requested: bool
    waits_for: str = Field(description="What people have to answer before a held plan goes on; empty otherwise.")
    waits_at: str = Field(description="The page where they answer; empty otherwise.")
    abort_by: str = Field(description="Who wants it stopped and taken back; its undo starts when it ends.")
    stuck: StuckOut | None
    undo_of: UUID | None
    context: dict[str, Any]

    @staticmethod
    def resolve_stuck(run: PlanRunView) -> getting_on.Stuck | None:
        return getting_on.stuck(run, utc_now())


class SkipIn(Schema):
    """Why the plan goes on without the step."""

    reason: str = Field(max_length=skipping.REASON_LENGTH)


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


@router.post("plans/{run_id}/pause", response=PlanOut, summary="Hold a plan before its next step")
def pause_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """The step that runs ends first. 409 when the plan has ended."""
    return pausing.pause_plan(run_id, actor=_actor(request), now=utc_now())


@router.post("plans/{run_id}/resume", response=PlanOut, summary="Let a paused plan go on")
def resume_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """409 when the plan is not paused."""
    return resuming.resume_plan(run_id, actor=_actor(request), now=utc_now())


@router.post("plans/{run_id}/steps/{step}/skip", response=PlanOut, summary="Leave a step out, with a reason")
def skip_step(request: HttpRequest, run_id: UUID, step: str, body: SkipIn) -> PlanRunView:
    """Of a plan that failed or is paused. 409 when the step says that nothing may go on without it."""
    return skipping.skip_step(run_id, step, reason=body.reason, actor=_actor(request), now=utc_now())


@router.post("plans/{run_id}/abort", response=PlanOut, summary="Stop a plan and take back what it did")
def abort_plan(request: HttpRequest, run_id: UUID) -> PlanRunView:
    """Answers with the plan that takes it back, or with the plan itself while a worker still has it.

    409 when nothing runs that could be stopped or taken back.
    """
    return aborting.abort_plan(run_id, actor=_actor(request), now=utc_now())
