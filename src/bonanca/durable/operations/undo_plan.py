"""Take a plan back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.errors import NotUndoable
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.start_plan import record_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.registry import undoable
from bonanca.durable.state import Direction, RunState
from bonanca.durable.views import PlanRunView
from bonanca.kernel.errors import Conflict
from bonanca.ui.phrases import Phrase

UNDO = gettext_noop("Undo: %(title)s")


class NotUndoableNow(Conflict):
    """The plan has not ended, did nothing, or the undo has been started and failed."""


def undo_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Start a plan that takes back, last first, what the plan did.

    A step that was begun and not finished is looked at (``check``) and undone if it came into effect. The undo of an
    undo brings the steps into effect again. Asking twice gives the same plan.

    Raises:
        PlanNotFound, NotAllowed.
        NotUndoable: a step can never be taken back; nothing was started.
        NotUndoableNow: the plan still runs, did nothing, or its undo failed (retry that).
    """
    # Going back over what was done changes as much as doing it did: as with approvals, a commander decides.
    require(actor, Permission.COMMAND)
    get_run(run_id)
    with transaction.atomic():
        PlanRun.objects.select_for_update().get(pk=run_id)
        run = get_run(run_id)
        earlier = undo_of(run_id)
        if earlier is not None and earlier.state is RunState.FAILED:
            raise NotUndoableNow(_("The undo of this plan has failed."), hint=_("Retry the undo."))
        if earlier is not None and earlier.state is not RunState.CANCELLED:
            return earlier
        if not run.finished:
            raise NotUndoableNow(_("This plan has not ended."), hint=_("Cancel it first."))
        begun = [step for step in run.steps if step.attempts > 0]
        if not begun:
            raise NotUndoableNow(_("This plan did nothing."))
        for step in begun:
            if step.direction == Direction.APPLY and not undoable(step.kind):
                raise NotUndoable(_("“%(step)s” cannot be taken back.") % {"step": step.title or step.key})
        spec = PlanSpec(
            kind=f"{run.kind}.undo" if not run.kind.endswith(".undo") else run.kind.removesuffix(".undo"),
            subject=run.subject,
            title=Phrase(UNDO, {"title": run.title_phrase or run.title}),
            steps=tuple(StepSpec(s.key, s.kind, s.params, s.title, s.timeout_s, s.expected_s) for s in reversed(begun)),
            context={**run.context, "undo_of": str(run_id)},
        )
        directions = {s.key: Direction.UNDO if s.direction == Direction.APPLY else Direction.APPLY for s in begun}
        count = PlanRun.objects.filter(undo_of=run_id).count()
        return record_plan(
            spec, actor=actor, now=now, key=f"undo:{run_id}:{count + 1}", undo_of=run_id, directions=directions
        )
