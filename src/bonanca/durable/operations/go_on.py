"""What a held plan waits for has come: it goes on."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from bonanca.durable.models import PlanRun
from bonanca.durable.operations.steering import locked
from bonanca.durable.recording import requeue
from bonanca.durable.state import RunState


@transaction.atomic
def go_on(run_id: UUID) -> bool:
    """Have a plan that is held at a step carried on, in the caller's transaction; False when it is not held.

    A plan that a person paused stays paused. The step looks for itself whether it may go on: waking it too often does
    no harm. Who may answer is the business of the room whose step waits.
    """
    if not PlanRun.objects.filter(pk=run_id).exists():
        return False
    row = locked(run_id)
    return row.waits_for is not None and requeue(row, sources=[RunState.PAUSED])
