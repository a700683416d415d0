"""Every write of a worker about a plan. Each is one transaction that holds only while the plan is the worker's.

The worker proves it with its epoch: ``WHERE id = … AND epoch = mine AND state = 'running'``; no such row means that
another worker has taken the plan, and raises Fenced. All of them may be repeated after a database that was lost at
the commit, when nobody knows whether it happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM
from bonanca.durable.context import Receipt
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import Fenced, NotUndoable, NotUndoableNow, StepStopped, StepWaits
from bonanca.durable.events import PlanFinished, PlanStepDone
from bonanca.durable.executors import DEAD_SQL
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.plan import RETRY_FOR_S
from bonanca.durable.state import Direction, RunState, StepState, step_sources
from bonanca.durable.taking_back import take_back
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
    retry_for_s: float = RETRY_FOR_S


class Begin(StrEnum):
    """Whether a step may begin, or what a person wants instead."""

    GO = "go"
    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Original:
    """The plan that an undo takes back. `found`: what its undos have found of steps that never ended."""

    run_id: UUID
    context: dict[str, Any]
    receipts: dict[str, Receipt]
    found: dict[str, Receipt]


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
            # Of several undos (the earlier ones were cancelled) the first has seen it untouched.
            found = PlanStep.objects.filter(run__undo_of=run.undo_of, found__isnull=False).order_by("-run__created_at")
            original = Original(
                run.undo_of.pk,
                run.undo_of.context,
                {s.key: s.receipt for s in done if s.receipt is not None},
                {s.key: s.found for s in found if s.found is not None},
            )
    return Work(
        claim=claim,
        kind=run.kind,
        subject=run.subject,
        context=run.context,
        steps=tuple(
            StepWork(
                id=s.pk,
                key=s.key,
                kind=s.kind,
                title=s.title,
                params=s.params,
                direction=Direction(s.direction),
                timeout_s=s.timeout_s,
                state=StepState(s.state),
                retry_for_s=RETRY_FOR_S if s.retry_for_s is None else s.retry_for_s,
            )
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
def wanted(claim: Claim) -> Begin:
    """What a person has asked of the plan meanwhile. Raises Fenced."""
    mine = PlanRun.objects.filter(pk=claim.run_id, epoch=claim.epoch, state=RunState.RUNNING).first()
    if mine is None:
        raise _fenced(claim)
    return _wanted(mine)


@retrying
def begin_step(claim: Claim, step: StepWork, *, now: datetime) -> Begin:
    """The step begins, for the first time or again, unless the plan is to be cancelled or paused. Raises Fenced."""
    with transaction.atomic():
        run = _hold(claim)
        if (instead := _wanted(run)) is not Begin.GO:
            return instead
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
        point(f"begin:held:{step.key}")
    return Begin.GO


def _wanted(run: PlanRun) -> Begin:
    if run.cancel_requested_at is not None:
        return Begin.CANCEL
    return Begin.GO if run.pause_requested_at is None else Begin.PAUSE


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
        point(f"receipt:held:{step.key}")


@retrying
def record_found(work: Work, step: StepWork, receipt: Receipt) -> None:
    """What the undo of a step that never ended is about to take back: asked again, the world would not tell.

    Raises Fenced.
    """
    with transaction.atomic():
        _hold(work.claim)
        PlanStep.objects.filter(pk=step.id).update(found=receipt)


@retrying
def record_failure(
    work: Work, step: StepWork, error: str, hint: str, *, now: datetime, failing_s: float | None = None
) -> bool:
    """The step failed; returns whether its plan fails with it.

    ``failing_s``: seconds since the failure before this one, 0 for the first that this worker sees; when workers
    have tried for the step's ``retry_for_s``, the plan fails. None: it would not pass by itself, the plan fails now.

    Raises Fenced.
    """
    with transaction.atomic():
        run = _hold(work.claim)
        row = PlanStep.objects.get(pk=step.id)
        failing_for_s = row.failing_for_s + (failing_s or 0.0)
        final = failing_s is None or failing_for_s >= step.retry_for_s
        if final and failing_s is not None and row.failures:
            error = _("%(error)s (tried %(count)d times in %(seconds)d s)") % {
                "error": error, "count": row.failures + 1, "seconds": failing_for_s,
            }  # fmt: skip
        PlanStep.objects.filter(pk=step.id, state=StepState.RUNNING).update(
            failures=min(row.failures + 1, row.attempts),
            failing_for_s=failing_for_s,
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
def pause(claim: Claim, *, now: datetime) -> None:
    """Stop before the next step until somebody resumes the plan. Raises Fenced."""
    with transaction.atomic():
        run = _hold(claim)
        # Between two attempts: it will be tried as if for the first time, or skipped.
        run.steps.filter(state=StepState.RUNNING).update(
            state=StepState.PENDING, failures=0, failing_for_s=0, started_at=None
        )
        PlanRun.objects.filter(pk=run.pk).update(state=RunState.PAUSED, executor=None)
        record(aggregate=f"plan:{run.pk}", action="plan.paused", actor=SYSTEM("worker").label, facts={}, now=now)


@retrying
def hold(claim: Claim, waiting: StepWaits, *, now: datetime) -> bool:
    """Hold the plan at a step that waits for people; False when what it waits for has come. Raises Fenced."""
    with transaction.atomic():
        run = _hold(claim)
        if _wanted(run) is not Begin.GO or waiting.over():
            return False
        run.steps.filter(state=StepState.RUNNING).update(
            state=StepState.PENDING, failures=0, failing_for_s=0, started_at=None, error="", progress_text=""
        )
        waits_for = {"words": waiting.words.to_json(), "path": waiting.path}
        PlanRun.objects.filter(pk=run.pk).update(state=RunState.PAUSED, executor=None, waits_for=waits_for)
        actor, facts = SYSTEM("worker").label, {"for": str(waiting.words)}
        record(aggregate=f"plan:{run.pk}", action="plan.held", actor=actor, facts=facts, now=now)
    return True


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


def cancel_waiting(run: PlanRun, *, now: datetime) -> None:
    """Cancel a plan that no worker holds and whose row the caller has locked."""
    PlanRun.objects.filter(pk=run.pk, state__in=[RunState.QUEUED, RunState.PAUSED]).update(
        state=RunState.CANCELLED, finished_at=now, cancel_requested_at=now
    )
    skip_pending(run)
    publish(PlanFinished(run.pk, run.kind, run.subject, RunState.CANCELLED.value, run.context), now=now)


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
    if run.abort_by:
        honour_abort(run.pk, by=run.abort_by, now=now)


def honour_abort(run_id: UUID, *, by: str, now: datetime) -> UUID | None:
    """A plan that was aborted has ended, in this transaction: take back what it did, if it did anything."""
    try:
        return take_back(run_id, by=by, now=now)
    except NotUndoableNow:
        return None
    except NotUndoable as final:
        # A newer worker may know that what was done is final; then the plan says so instead of an undo that cannot be.
        PlanRun.objects.filter(pk=run_id, error="").update(error=final.message)
        return None


def _fenced(claim: Claim) -> Fenced:
    return Fenced(
        _("Plan %(id)s is no longer this worker's: epoch %(epoch)d is over.")
        % {"id": claim.run_id, "epoch": claim.epoch}
    )
