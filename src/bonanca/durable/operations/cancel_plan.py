"""Stop a plan."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.durable.journal import cancel_waiting
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.authority import require_authority
from bonanca.durable.queries import get_run
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict


class AlreadyFinished(Conflict):
    """There is nothing left to cancel."""


def cancel_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Cancel a plan that waits or is paused at once, and one that runs before its next step.

    A step that runs is asked to stop (``ctx.still_mine()``) and otherwise ends. What was done stays; undo it with
    ``undo_plan``. Cancelling again changes nothing.

    Raises:
        PlanNotFound, NotAllowed.
        AlreadyFinished: it has ended.
    """
    run = get_run(run_id)
    require_authority(run, actor)
    with transaction.atomic():
        row = PlanRun.objects.select_for_update().get(pk=run_id)
        if row.state == RunState.RUNNING:
            PlanRun.objects.filter(pk=run_id, cancel_requested_at=None).update(cancel_requested_at=now)
        elif row.state in (RunState.QUEUED, RunState.PAUSED):
            cancel_waiting(row, now=now)
        else:
            raise AlreadyFinished(_("This plan has ended: %(state)s.") % {"state": RunState(row.state).label})
        record(aggregate=f"plan:{run_id}", action="plan.cancel_asked", actor=actor.label, facts={}, now=now)
        return get_run(run_id)
