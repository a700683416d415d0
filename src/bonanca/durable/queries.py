"""Reading plans: one query for the runs, one for all their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Max
from django.utils.translation import gettext as _

from bonanca.durable.errors import PlanNotFound
from bonanca.durable.models import Executor, PlanRun, PlanStep
from bonanca.durable.plan import RETRY_FOR_S
from bonanca.durable.state import UNFINISHED, RunState, StepState
from bonanca.durable.views import PlanRunView, StepView
from bonanca.ui.phrases import read

__all__ = ["PlanRunView", "StepView", "get_run", "list_runs", "run_by_key", "undo_of", "unfinished_of"]


def get_run(run_id: UUID) -> PlanRunView:
    """Raises PlanNotFound."""
    run = PlanRun.objects.select_related("executor").filter(pk=run_id).first()
    if run is None:
        raise PlanNotFound(_("There is no plan %(id)s.") % {"id": run_id})
    return _view(run, _heard_at() if run.state in (RunState.QUEUED, RunState.RUNNING) else None)


def run_by_key(key: str) -> PlanRunView | None:
    """The plan that was started under this key."""
    run = PlanRun.objects.select_related("executor").filter(key=key).first()
    return None if run is None else _view(run)


def undo_of(run_id: UUID) -> PlanRunView | None:
    """The newest plan that takes this one back."""
    run = PlanRun.objects.select_related("executor").filter(undo_of=run_id).order_by("-created_at", "-id").first()
    return None if run is None else _view(run)


def list_runs(
    *,
    subject: str | None = None,
    kind: str | None = None,
    states: Sequence[RunState] | None = None,
    limit: int = 50,
) -> tuple[PlanRunView, ...]:
    """The newest plans first."""
    runs = PlanRun.objects.select_related("executor").prefetch_related("steps").order_by("-created_at", "-id")
    if subject is not None:
        runs = runs.filter(subject=subject)
    if kind is not None:
        runs = runs.filter(kind=kind)
    if states is not None:
        runs = runs.filter(state__in=list(states))
    found = list(runs[:limit])
    heard_at = _heard_at() if any(run.state in (RunState.QUEUED, RunState.RUNNING) for run in found) else None
    return tuple(_view(run, heard_at) for run in found)


def unfinished_of(subject: str) -> tuple[PlanRunView, ...]:
    """The plans that act, or wait to act, on the subject now."""
    return list_runs(subject=subject, states=sorted(UNFINISHED))


def _view(run: PlanRun, heard_at: datetime | None = None) -> PlanRunView:
    return PlanRunView(
        id=run.pk,
        key=run.key,
        kind=run.kind,
        subject=run.subject,
        title=read(run.title, run.title_phrase),
        title_phrase=run.title_phrase,
        state=RunState(run.state),
        steps=tuple(_step(step) for step in run.steps.all()),
        created_by=run.created_by,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        epoch=run.epoch,
        takeovers=run.takeovers,
        worker=_worker(run.executor),
        error=run.error,
        hint=run.hint,
        cancel_requested=run.cancel_requested_at is not None,
        undo_of=run.undo_of_id,
        context=run.context,
        pause_requested=run.pause_requested_at is not None,
        abort_by=run.abort_by,
        exclusive=run.exclusive,
        waits_for=read("", run.waits_for["words"]) if run.waits_for else "",
        waits_at=run.waits_for["path"] if run.waits_for else "",
        worker_heard_at=heard_at,
    )


def _heard_at() -> datetime | None:
    newest: datetime | None = Executor.objects.filter(ended_at=None).aggregate(newest=Max("last_seen"))["newest"]
    return newest


def _worker(executor: Executor | None) -> str:
    return "" if executor is None else f"{executor.host.partition('/')[0]} #{executor.slot} (pid {executor.pid})"


def _step(step: PlanStep) -> StepView:
    return StepView(
        key=step.key,
        kind=step.kind,
        title=step.title,
        state=StepState(step.state),
        started_at=step.started_at,
        finished_at=step.finished_at,
        timeout_s=step.timeout_s,
        expected_s=step.expected_s,
        receipt=step.receipt,
        error=step.error,
        attempts=step.attempts,
        progress=(step.progress_fraction, step.progress_text),
        params=step.params,
        direction=step.direction,
        retry_for_s=RETRY_FOR_S if step.retry_for_s is None else step.retry_for_s,
        failures=step.failures,
        failing_for_s=step.failing_for_s,
        skip_reason=step.skip_reason,
        skipped_by=step.skipped_by,
    )
