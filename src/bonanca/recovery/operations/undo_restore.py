"""Take a restore back: what it replaced takes its place again, and what it brought is kept in turn."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.operations.undo_plan import undo_plan
from bonanca.durable.views import PlanRunView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.recovery.queries import get_restore


class NothingToUndo(Conflict):
    """The restore was never started."""


def undo_restore(restore_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Start the plan that takes a restore back; asking twice gives the same plan.

    Raises:
        RestoreNotFound, NothingToUndo, NotAllowed (commanders only); NotUndoable, NotUndoableNow: see `undo_plan`.
    """
    require(actor, Permission.COMMAND)
    restore = get_restore(restore_id)
    if restore.run_id is None:
        raise NothingToUndo(_("This restore was never started: there is nothing to undo."))
    with transaction.atomic():
        run = undo_plan(restore.run_id, actor=actor, now=now)
        facts = {"run": str(run.id)}
        record(aggregate=f"restore:{restore_id}", action="restore.undone", actor=actor.label, facts=facts, now=now)
    return run
