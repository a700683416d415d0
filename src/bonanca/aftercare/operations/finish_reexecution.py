"""What the end of the plan means for a re-execution and those who listen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.events import ReexecutionEnded
from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.queries import get_reexecution, reexecution_of_run
from bonanca.aftercare.state import ItemState, ReexecutionState
from bonanca.aftercare.views import ReexecutionView
from bonanca.durable.queries import get_run
from bonanca.durable.state import RunState
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish

UNKNOWN = gettext_noop("stopped while it was sent: what became of it is unknown; a new list asks under the same key")

STEP_SKIPPED = gettext_noop("its step of the plan was skipped")


@transaction.atomic
def finish_reexecution(run_id: UUID, *, now: datetime) -> ReexecutionView | None:
    """Record the outcome of a plan whose run has ended; None when the run is not one of ours.

    Called again for the same end it changes nothing; a plan that stopped and was retried is told again. Told late, of
    an end after which the plan was retried, it waits for the next one.
    """
    found = reexecution_of_run(run_id)
    if found is None:
        return None
    run = get_run(run_id)
    if not run.finished:
        return found
    left = _settle_rest(found.id, run.state, now)
    outcome = ReexecutionState.DONE if run.state is RunState.SUCCEEDED else ReexecutionState.STOPPED
    moved = (
        Reexecution.objects.filter(id=found.id, state__in=[ReexecutionState.RUNNING, ReexecutionState.STOPPED])
        .exclude(state=outcome)
        .update(state=outcome, finished_at=run.finished_at or now, error=run.error)
    )
    if not moved and not left:
        return found
    ended = get_reexecution(found.id)
    counts = {state: count for state, count in ended.counts.items() if count}
    audit.record(
        aggregate=f"reexecution:{found.id}",
        action=f"aftercare.reexecution.{outcome}",
        actor=SYSTEM("worker").label,
        facts={"run": run_id, "counts": counts, "error": run.error},
        now=now,
    )
    publish(
        ReexecutionEnded(
            reexecution_id=found.id,
            service=found.service,
            outcome=outcome,
            counts=counts,
            error=run.error,
            at=run.finished_at or now,
            incident_id=found.incident_id,
        ),
        now=now,
    )
    return ended


def _settle_rest(reexecution_id: UUID, ended: RunState, now: datetime) -> int:
    """Nothing of a plan that will not go on stays open: it was cancelled, or a person has skipped one of its steps."""
    if ended is RunState.FAILED:
        return 0
    items = ReexecutionItem.objects.filter(reexecution_id=reexecution_id)
    left = items.filter(state=ItemState.SENDING).update(state=ItemState.FAILED, reason=UNKNOWN, settled_at=now)
    if ended is RunState.SUCCEEDED:
        left += items.filter(state=ItemState.CHOSEN).update(state=ItemState.SKIPPED, reason=STEP_SKIPPED)
    return left
