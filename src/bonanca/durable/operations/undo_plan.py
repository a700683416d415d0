"""Take a plan back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.errors import NotUndoableNow
from bonanca.durable.models import PlanRun
from bonanca.durable.queries import get_run
from bonanca.durable.taking_back import take_back
from bonanca.durable.views import PlanRunView

__all__ = ["NotUndoableNow", "undo_plan"]


def undo_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Start a plan that takes back, last first, what the plan did.

    A step that was begun and not finished is looked at (``check``) and undone if it came into effect. The undo of an
    undo brings the steps into effect again. Asking twice gives the same plan.

    Raises:
        PlanNotFound, NotAllowed.
        NotUndoable: a step can never be taken back; nothing was started.
        NotUndoableNow: the plan still runs, did nothing, or its undo failed (retry that).
        SubjectBusy: another plan of the same subject has not ended.
    """
    # Going back over what was done changes as much as doing it did: as with approvals, a commander decides.
    require(actor, Permission.COMMAND)
    get_run(run_id)
    with transaction.atomic():
        PlanRun.objects.select_for_update().get(pk=run_id)
        return get_run(take_back(run_id, by=actor.label, now=now))
