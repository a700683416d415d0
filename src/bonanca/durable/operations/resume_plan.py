"""Let a paused plan go on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.authority import require_authority
from bonanca.durable.operations.steering import CannotBeSteered, locked, told
from bonanca.durable.queries import get_run
from bonanca.durable.recording import requeue
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView


def resume_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Go on with the next step; a pause that was asked for and not reached yet is forgotten.

    Raises:
        PlanNotFound, NotAllowed.
        CannotBeSteered: it is not paused.
    """
    require_authority(get_run(run_id), actor)
    with transaction.atomic():
        row = locked(run_id)
        if row.state == RunState.RUNNING and row.pause_requested_at is not None:
            PlanRun.objects.filter(pk=run_id, state=RunState.RUNNING).update(pause_requested_at=None)
        elif not requeue(row, sources=[RunState.PAUSED]):
            raise CannotBeSteered(
                _("Only a paused plan can be resumed; this one is: %(state)s.") % {"state": RunState(row.state).label}
            )
        told(row, "resume", actor=actor, now=now)
        return get_run(run_id)
