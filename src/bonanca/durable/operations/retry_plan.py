"""Go on with a plan that failed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.authority import require_authority
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.recording import forget_failures, requeue
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict


class NotFailed(Conflict):
    """Only a plan that failed, and that nobody has begun to undo, can be tried again."""


def retry_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Run again from the step that failed; what is done stays done.

    Raises:
        PlanNotFound, NotAllowed.
        NotFailed: it is in another state, or it is being undone.
        SubjectBusy: another plan of the same subject has begun meanwhile.
    """
    run = get_run(run_id)
    require_authority(run, actor)
    with transaction.atomic():
        # The lock is the same as undo_plan's, so only one of the two can happen.
        row = PlanRun.objects.select_for_update().get(pk=run_id)
        if undo_of(run_id) is not None:
            raise NotFailed(_("This plan has been undone. Start a new one."))
        if not requeue(row, sources=[RunState.FAILED]):
            raise NotFailed(
                _("Only a failed plan can be tried again; this one is: %(state)s.") % {"state": run.state.label}
            )
        forget_failures(run_id)
        record(aggregate=f"plan:{run_id}", action="plan.retried", actor=actor.label, facts={}, now=now)
        return get_run(run_id)
