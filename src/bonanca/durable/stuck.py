"""When a plan does not get on: derived from what is written down, never a state of its own.

A step that takes far longer than expected, one that is tried again and again, a plan that no worker takes. Each is
said with what will happen by itself and what a person can do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView, StepView

# Far longer: so many times what was expected, and at least so many seconds more.
FACTOR = 3.0
SLACK_S = 10.0
# Without an expectation: so much of the step's own time.
SHARE_OF_TIMEOUT = 0.8
FAILING_S = 10.0
NO_WORKER_S = 20.0


@dataclass(frozen=True)
class Stuck:
    """``step`` is empty when it is the plan that nobody carries out. ``next_move`` is what a person can do."""

    step: str
    for_s: float
    why: str
    next_move: str


def stuck(run: PlanRunView, now: datetime) -> Stuck | None:
    """Return why the plan does not get on, or None while it does (or has ended, or is paused)."""
    if run.state not in (RunState.QUEUED, RunState.RUNNING):
        return None
    return _without_worker(run, now) or _at_step(run, now)


def _without_worker(run: PlanRunView, now: datetime) -> Stuck | None:
    heard_at = run.worker_heard_at or run.created_at
    silent_s = (now - heard_at).total_seconds()
    if silent_s < NO_WORKER_S:
        return None
    return Stuck(
        step="",
        for_s=silent_s,
        why=_("No worker has been heard of for %(seconds)d s.") % {"seconds": silent_s},
        next_move=_("Start a worker (bonanca up, or bonanca worker): it goes on where the plan stands."),
    )


def _at_step(run: PlanRunView, now: datetime) -> Stuck | None:
    step = run.current
    elapsed_s = step.elapsed_s(now) if step is not None else None
    if step is None or elapsed_s is None:
        return None
    title = _(step.title) or step.key
    if step.failures and step.error and elapsed_s >= FAILING_S:
        left_s = max(0.0, step.retry_for_s - step.failing_for_s)
        return Stuck(
            step=step.key,
            for_s=elapsed_s,
            why=_("“%(step)s” has failed %(count)d times: %(error)s")
            % {"step": title, "count": step.failures, "error": step.error},
            next_move=_(
                "Remove the cause: it is tried again for about %(seconds)d s more, then the plan fails. "
                "Or pause or abort the plan."
            )
            % {"seconds": left_s},
        )
    if elapsed_s < _patience_s(step):
        return None
    ends = (step.started_at or now) + timedelta(seconds=step.timeout_s)
    left_s = max(0.0, (ends - now).total_seconds())
    values = {"step": title, "seconds": elapsed_s, "expected": step.expected_s or 0}
    if step.expected_s is None:
        why = _("“%(step)s” has been running for %(seconds)d s.") % values
    else:
        why = _("“%(step)s” has been running for %(seconds)d s; about %(expected)d s were expected.") % values
    return Stuck(
        step=step.key,
        for_s=elapsed_s,
        why=why,
        next_move=_(
            "See what it waits for. An attempt ends by itself when its time of %(timeout)d s is over "
            "(in %(seconds)d s); or abort the plan, which takes back what was done."
        )
        % {"timeout": step.timeout_s, "seconds": left_s},
    )


def _patience_s(step: StepView) -> float:
    if step.expected_s is None:
        return SHARE_OF_TIMEOUT * step.timeout_s
    return max(FACTOR * step.expected_s, step.expected_s + SLACK_S)
