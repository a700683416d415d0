"""Hold a plan where it is."""

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
from bonanca.durable.state import RunState
from bonanca.durable.views import PlanRunView


def pause_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Stop before the next step, until somebody resumes the plan. The step that runs now ends first.

    Pausing again changes nothing. A paused plan still keeps other plans off its subject.

    Raises:
        PlanNotFound, NotAllowed.
        CannotBeSteered: it has ended, or is being cancelled.
    """
    require_authority(get_run(run_id), actor)
    with transaction.atomic():
        row = locked(run_id)
        if row.state == RunState.PAUSED and row.waits_for is not None:
            # Held for an answer: now it stays held when the answer has come.
            PlanRun.objects.filter(pk=run_id).update(waits_for=None)
            told(row, "pause", actor=actor, now=now)
            return get_run(run_id)
        if row.state == RunState.PAUSED or row.pause_requested_at is not None:
            return get_run(run_id)
        if row.cancel_requested_at is not None or row.state not in (RunState.QUEUED, RunState.RUNNING):
            raise CannotBeSteered(
                _("Only a plan that runs or waits can be paused; this one is: %(state)s.")
                % {"state": RunState(row.state).label}
            )
        changes: dict[str, object] = {"pause_requested_at": now}
        if row.state == RunState.QUEUED:
            changes["state"] = RunState.PAUSED
        PlanRun.objects.filter(pk=run_id, state=row.state).update(**changes)
        told(row, "pause", actor=actor, now=now)
        return get_run(run_id)
