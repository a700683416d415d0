"""The one generic interpreter: it carries out any plan, from wherever the last worker left it.

For each step that is not done: is it in effect already? If not, bring it into effect. Record the receipt, if the
plan is still ours. Every line may be the last one that this process executes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from enum import StrEnum

import structlog
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from bonanca.durable import journal
from bonanca.durable.context import FenceToken, Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import Fenced, StepFailed, StepStopped, StepWaits
from bonanca.durable.journal import Begin, Claim, StepWork, Work
from bonanca.durable.plan import as_json
from bonanca.durable.registry import StepHandler, handler
from bonanca.durable.state import Direction, RunState, StepState
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.kernel.texts import storable, storable_json

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 8.0
# Between two attempts, how soon it is noticed that a person wants the plan to stop.
ASK_EVERY_S = 0.5
PROGRESS_EVERY_S = 0.5


class Outcome(StrEnum):
    """How one worker's work on a plan ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RELEASED = "released"
    FENCED = "fenced"


# Called with the step whose attempt begins, and with None when it ended.
Watch = Callable[[Work, StepWork | None], None]


def _unwatched(_work: Work, _step: StepWork | None) -> None: ...


def interpret(
    claim: Claim, *, now: Callable[[], datetime], stop: threading.Event, watch: Watch = _unwatched
) -> Outcome:
    """Carry the plan out as far as it goes: to its end, until ``stop``, or until another worker has it.

    A lost database is waited for; after a minute its error comes out of here, and the plan stays claimed.
    A thread cannot be killed: ``watch`` lets the engine see a step that does not come back.
    """
    try:
        work = journal.load(claim)
        for step in work.steps:
            if step.state in (StepState.DONE, StepState.SKIPPED):
                continue
            outcome = _step(work, step, now, stop, watch)
            if outcome is not None:
                return outcome
        point(f"finish:before:{claim.run_id}")
        journal.finish(claim, RunState.SUCCEEDED, now=now())
        point(f"finish:after:{claim.run_id}")
    except Fenced as newer:
        log.warning("this plan is another worker's now", plan=str(claim.run_id), epoch=claim.epoch, why=newer.message)
        return Outcome.FENCED
    return Outcome.SUCCEEDED


def _step(
    work: Work, step: StepWork, now: Callable[[], datetime], stop: threading.Event, watch: Watch
) -> Outcome | None:
    """Carry out one step, again while it fails retryably. None: it is done, go on."""
    trials = _Trials()
    while True:
        if stop.is_set():
            journal.release(work.claim)
            return Outcome.RELEASED
        begin = journal.begin_step(work.claim, step, now=now())
        if begin is Begin.CANCEL:
            journal.finish(work.claim, RunState.CANCELLED, now=now(), stopped=step)
            return Outcome.CANCELLED
        if begin is Begin.PAUSE:
            journal.pause(work.claim, now=now())
            return Outcome.PAUSED
        problem: BonancaError
        watch(work, step)
        try:
            receipt = _carry_out(work, step, now)
            point(f"receipt:before:{step.key}")
            journal.record_receipt(work, step, receipt, now=now())
            point(f"receipt:after:{step.key}")
            work.receipts[step.key] = receipt
            return None
        except StepStopped as stopped:
            if not _overdue(stopped):
                journal.finish(work.claim, RunState.CANCELLED, now=now(), stopped=step)
                return Outcome.CANCELLED
            problem = StepFailed(stopped.message, retryable=True, hint=stopped.hint)
        except Fenced:
            raise
        except StepWaits as waiting:
            if journal.hold(work.claim, waiting, now=now()):
                return Outcome.PAUSED
            continue
        except BonancaError as error:
            problem = error
        except Exception as error:
            # Recorded on the step, where a person sees it; nothing is swallowed.
            log.exception("a step failed in an unforeseen way", plan=str(work.claim.run_id), step=step.key)
            retryable = isinstance(error, (OSError, DatabaseError))
            problem = StepFailed(f"{type(error).__name__}: {error}", retryable=retryable)
            _drop_broken_connection()  # one that broke inside the handler must not reach the next query
        finally:
            watch(work, None)
        failing_s = trials.failed() if getattr(problem, "retryable", False) else None
        hint = problem.hint or _next_move(step)
        words = storable(problem.message)
        if journal.record_failure(work, step, words, storable(hint), now=now(), failing_s=failing_s):
            return Outcome.FAILED
        trials.wait(work, step, stop)


class _Trials:
    """The attempts of one worker at one step. It counts by a clock that nobody can set."""

    def __init__(self) -> None:
        self._count = 0
        self._first = self._last = 0.0

    def failed(self) -> float:
        """Seconds since the failure before this one; 0 for the first."""
        moment = time.monotonic()
        since = moment - self._last if self._count else 0.0
        self._first = self._first or moment
        self._last = moment
        self._count += 1
        return since

    def wait(self, work: Work, step: StepWork, stop: threading.Event) -> None:
        """A pause that grows, ends in time for one last attempt, and is cut short when a person wants something."""
        pause_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(10, self._count - 1))
        left_s = step.retry_for_s - (time.monotonic() - self._first)
        until = time.monotonic() + max(0.0, min(pause_s, max(left_s, ASK_EVERY_S)))
        while (rest_s := until - time.monotonic()) > 0 and not stop.wait(min(ASK_EVERY_S, rest_s)):
            if journal.wanted(work.claim) is not Begin.GO:
                return


def _carry_out(work: Work, step: StepWork, now: Callable[[], datetime]) -> Receipt:
    does = handler(step.kind)
    point(f"check:before:{step.key}")
    if step.direction is Direction.UNDO:
        return _checked(_undo(work, step, does, now))
    ctx = _context(work, step, now)
    receipt = does.check(ctx)
    point(f"check:after:{step.key}")
    if receipt is None:
        receipt = does.apply(ctx)
    return _checked(receipt)


def _undo(work: Work, step: StepWork, does: StepHandler, now: Callable[[], datetime]) -> Receipt:
    original = work.original
    if original is None:
        raise StepFailed(_("The plan that this one undoes is unknown."))
    receipt = original.receipts.get(step.key)
    if receipt is None:
        receipt = original.found.get(step.key)
    if receipt is None:
        # It was begun and never finished: only the world can say whether it came into effect, and only as long as
        # nothing of it was taken back.
        receipt = does.check(_context(work, step, now, original_key=True))
        if receipt is None:
            return {"nothing_to_undo": True}
        original.found[step.key] = receipt = _checked(receipt)
        journal.record_found(work, step, receipt)
        point(f"undo:found:{step.key}")
    point(f"check:after:{step.key}")
    return does.undo(_context(work, step, now), receipt)


def _context(work: Work, step: StepWork, now: Callable[[], datetime], *, original_key: bool = False) -> StepContext:
    claim, original = work.claim, work.original
    deadline = time.monotonic() + step.timeout_s
    last_shown = -PROGRESS_EVERY_S

    def remaining_s() -> float:
        return max(0.0, deadline - time.monotonic())

    def still_mine() -> None:
        journal.still_mine(claim)
        if remaining_s() == 0.0:
            raise too_late(step)

    def progress(fraction: float | None, text: str) -> None:
        nonlocal last_shown
        moment = time.monotonic()
        if moment - last_shown >= PROGRESS_EVERY_S or fraction == 1.0:
            last_shown = moment
            try:
                journal.show_progress(claim, step, fraction, storable(text))
            except DatabaseError as lost:
                # A step must not fail because nobody could be told how far it is.
                log.info("progress could not be shown", step=step.key, why=str(lost))
                _drop_broken_connection()

    receipts: Mapping[str, Receipt] = work.receipts
    if step.direction is Direction.UNDO and original is not None:
        receipts = original.receipts
    theirs = original if original_key else None
    return StepContext(
        run_id=theirs.run_id if theirs else claim.run_id,
        step_key=step.key,
        token=FenceToken(claim.run_id, claim.epoch, verify=lambda: journal.verify(claim)),
        # Copies: what a handler does to them must not reach the journal or the next attempt.
        params=deepcopy(step.params),
        context=deepcopy(theirs.context if theirs else work.context),
        receipts=receipts,
        timeout_s=step.timeout_s,
        now=now,
        progress=progress,
        still_mine=still_mine,
        remaining_s=remaining_s,
    )


def _checked(receipt: Receipt) -> Receipt:
    try:
        # What a program printed is in some: what cannot be stored would have the step done again and again.
        return dict(storable_json(as_json(receipt, "receipt")))
    except Invalid as wrong:
        raise StepFailed(wrong.message) from wrong


def too_late(step: StepWork) -> StepStopped:
    """What is said of a step that did not end in its time."""
    return StepStopped(
        _("The step “%(title)s” did not end within its %(seconds)g s.")
        % {"title": step.title or step.key, "seconds": step.timeout_s},
        field="timeout_s",
    )


def _overdue(stopped: StepStopped) -> bool:
    return stopped.field == "timeout_s"


def _next_move(step: StepWork) -> str:
    if step.direction is Direction.UNDO:
        return _("Remove the cause, then retry the plan from this step.")
    return _("Remove the cause and retry the plan from this step, or undo what was done.")


def _drop_broken_connection() -> None:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
