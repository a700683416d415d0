"""Every write of a worker about a plan. Each is one transaction that holds only while the plan is the worker's.

The worker proves it with its epoch: ``WHERE id = … AND epoch = mine AND state = 'running'``; no such row means that
another worker has taken the plan, and raises Fenced. All of them may be repeated after a database that was lost at
the commit, when nobody knows whether it happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM
from bonanca.durable.context import Receipt
from bonanca.durable.errors import Fenced, StepStopped
from bonanca.durable.events import PlanFinished, PlanStepDone
from bonanca.durable.executors import DEAD_SQL
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.state import Direction, RunState, StepState, step_sources
from bonanca.kernel.audit import record
from bonanca.kernel.database import retrying
from bonanca.outbox.operations.publish import publish


@dataclass(frozen=True)
class Claim:
    """The right to work on a plan until somebody takes a newer epoch. ``previous`` held it before, and may live."""

    run_id: UUID
    epoch: int
    executor_id: UUID
    previous: UUID | None = None


@dataclass(frozen=True)
class StepWork:
    """A step as the interpreter needs it."""

    id: UUID
    key: str
    kind: str
    title: str
    params: dict[str, Any]
    direction: Direction
    timeout_s: float
    state: StepState


@dataclass(frozen=True)
class Original:
    """The plan that an undo takes back."""

    run_id: UUID
    context: dict[str, Any]
    receipts: dict[str, Receipt]


@dataclass(frozen=True)
class Work:
    """All of a plan that its execution depends on."""

    claim: Claim
    kind: str
    subject: str
    context: dict[str, Any]
    steps: tuple[StepWork, ...]
    receipts: dict[str, Receipt]
    original: Original | None


_CLAIM = f"""
WITH candidate AS (
    SELECT r.id, r.executor_id, r.state
    FROM durable_planrun r LEFT JOIN durable_executor e ON e.id = r.executor_id
    WHERE r.id <> ALL(%(except)s)
      AND (r.state = 'queued' OR (r.state = 'running' AND (r.executor_id = %(me)s OR {DEAD_SQL})))
    ORDER BY r.created_at
    LIMIT 1
    FOR UPDATE OF r SKIP LOCKED
)
UPDATE durable_planrun r
SET state = 'running', epoch = r.epoch + 1, executor_id = %(me)s, started_at = coalesce(r.started_at, %(now)s),
    takeovers = r.takeovers + CASE WHEN c.state = 'running' THEN 1 ELSE 0 END
FROM candidate c
WHERE r.id = c.id
RETURNING r.id, r.epoch, c.executor_id
"""  # noqa: S608 - the only insertion is our own constant


def claim_next(executor_id: UUID, *, busy: list[UUID], now: datetime) -> Claim | None:
    """Take the oldest plan that nobody carries out: a new one, or one whose worker is dead.

    Plans in ``busy`` are left alone. Any other plan that this executor holds is one whose claim was lost with the
    database or whose thread failed; it is taken again, with a new epoch.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"me": executor_id, "except": busy, "now": now})
        row = cursor.fetchone()
    return None if row is None else Claim(row[0], row[1], executor_id, row[2] if row[2] != executor_id else None)


@retrying
def load(claim: Claim) -> Work:
    """Read the plan. Raises Fenced."""
    with transaction.atomic():
        run = _hold(claim)
        steps = list(run.steps.all())
        receipts = {s.key: s.receipt for s in steps if s.receipt is not None}
        original = None
        if run.undo_of is not None:
            done = run.undo_of.steps.filter(receipt__isnull=False)
            original = Original(
                run.undo_of.pk, run.undo_of.context, {s.key: s.receipt for s in done if s.receipt is not None}
            )
    return Work(
        claim=claim,
        kind=run.kind,
        subject=run.subject,
        context=run.context,
        steps=tuple(
            StepWork(s.pk, s.key, s.kind, s.title, s.params, Direction(s.direction), s.timeout_s, StepState(s.state))
            for s in steps
        ),
        receipts=receipts,
        original=original,
    )


@retrying
def verify(claim: Claim) -> None:
    """Raises Fenced when the plan is somebody else's now."""
    if not PlanRun.objects.filter(pk=claim.run_id, epoch=claim.epoch, state=RunState.RUNNING).exists():
        raise _fenced(claim)


@retrying
def still_mine(claim: Claim) -> None:
    """As ``verify``, and raises StepStopped when the plan was cancelled meanwhile."""
    mine = PlanRun.objects.filter(pk=claim.run_id, epoch=claim.epoch, state=RunState.RUNNING)
    row = mine.values_list("cancel_requested_at").first()
    if row is None:
        raise _fenced(claim)
    if row[0] is not None:
        raise StepStopped(_("The plan was cancelled."))


@retrying
def begin_step(claim: Claim, step: StepWork, *, now: datetime) -> bool:
    """The step begins, for the first time or again. False: it must not, the plan was cancelled. Raises Fenced."""
    with transaction.atomic():
        run = _hold(claim)
        if run.cancel_requested_at is not None:
            return False
        row = PlanStep.objects.get(pk=step.id)
        changed = PlanStep.objects.filter(pk=step.id, state__in=step_sources(StepState.RUNNING)).update(
            state=StepState.RUNNING,
            epoch=claim.epoch,
            attempts=row.attempts + 1,
            started_at=row.started_at or now,
            progress_fraction=None,
            progress_text="",
        )
        if changed != 1:
            raise _fenced(claim)
    return True


@retrying
def record_receipt(work: Work, step: StepWork, receipt: Receipt, *, now: datetime) -> None:
    """The step is in effect. Raises Fenced."""
    claim = work.claim
    with transaction.atomic():
        _hold(claim)
        mine = PlanStep.objects.filter(pk=step.id, epoch=claim.epoch)
        changed = mine.filter(state__in=step_sources(StepState.DONE)).update(
            state=StepState.DONE, receipt=receipt, finished_at=now, error="", progress_fraction=None, progress_text=""
        )
        if changed != 1:
            if mine.filter(state=StepState.DONE).exists():
                return  # the commit had happened, only its answer was lost
            raise _fenced(claim)
        publish(
            PlanStepDone(claim.run_id, work.kind, work.subject, step.key, step.kind, work.context),
            now=now,
        )


@retrying
def record_failure(work: Work, step: StepWork, error: str, hint: str, *, limit: int, now: datetime) -> bool:
    """The step failed. With its ``limit``-th failure (0: at once) the plan fails; returns whether it did.

    Raises Fenced.
    """
    with transaction.atomic():
        run = _hold(work.claim)
        row = PlanStep.objects.get(pk=step.id)
        failures = row.failures + 1
        final = failures >= limit
        PlanStep.objects.filter(pk=step.id, state=StepState.RUNNING).update(
            failures=min(failures, row.attempts),
            error=error,
            **({"state": StepState.FAILED, "finished_at": now} if final else {}),
        )
        if final:
            _finish(run, RunState.FAILED, error=error, hint=hint, now=now)
    return final


@retrying
def finish(claim: Claim, state: RunState, *, now: datetime, stopped: StepWork | None = None) -> None:
    """The plan succeeded or was cancelled (``stopped`` is the step that was interrupted by it). Raises Fenced."""
    with transaction.atomic():
        run = _hold(claim)
        if stopped is not None:
            PlanStep.objects.filter(pk=stopped.id, state=StepState.RUNNING).update(
                state=StepState.FAILED, finished_at=now, error=_("Stopped because the plan was cancelled.")
            )
        if state is RunState.CANCELLED:
            skip_pending(run)
        _finish(run, state, error="", hint="", now=now)


@retrying
def release(claim: Claim) -> None:
    """Give the plan back, so that another worker goes on at once (this one shuts down)."""
    PlanRun.objects.filter(pk=claim.run_id, epoch=claim.epoch, state=RunState.RUNNING).update(
        state=RunState.QUEUED, executor=None
    )


def show_progress(claim: Claim, step: StepWork, fraction: float | None, text: str) -> None:
    """Shown to people only. Raises Fenced."""
    mine = PlanStep.objects.filter(
        pk=step.id, state=StepState.RUNNING, epoch=claim.epoch, run__epoch=claim.epoch, run__state=RunState.RUNNING
    )
    bounded = None if fraction is None else min(1.0, max(0.0, fraction))
    if mine.update(progress_fraction=bounded, progress_text=text[:500]) != 1:
        raise _fenced(claim)


def skip_pending(run: PlanRun) -> None:
    """What was not begun will not be done."""
    PlanStep.objects.filter(run=run, state__in=step_sources(StepState.SKIPPED)).update(state=StepState.SKIPPED)


def _hold(claim: Claim) -> PlanRun:
    """Lock the plan for this transaction, if it is still ours: nobody can take it over before the commit."""
    run = (
        PlanRun.objects.select_for_update(no_key=True)
        .filter(pk=claim.run_id, epoch=claim.epoch, state=RunState.RUNNING)
        .first()
    )
    if run is None:
        raise _fenced(claim)
    return run


def _finish(run: PlanRun, state: RunState, *, error: str, hint: str, now: datetime) -> None:
    changed = PlanRun.objects.filter(pk=run.pk, epoch=run.epoch, state=RunState.RUNNING).update(
        state=state, executor=None, finished_at=now, error=error, hint=hint
    )
    assert changed == 1  # the row is locked by _hold
    facts = {"epoch": run.epoch, "takeovers": run.takeovers, "error": error}
    record(aggregate=f"plan:{run.pk}", action=f"plan.{state.value}", actor=SYSTEM("worker").label, facts=facts, now=now)
    publish(PlanFinished(run.pk, run.kind, run.subject, state.value, run.context), now=now)


def _fenced(claim: Claim) -> Fenced:
    return Fenced(
        _("Plan %(id)s is no longer this worker's: epoch %(epoch)d is over.")
        % {"id": claim.run_id, "epoch": claim.epoch}
    )
