"""Stop a plan and take back what it did."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.journal import cancel_waiting, honour_abort
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.steering import CannotBeSteered, locked, told
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.state import RunState
from bonanca.durable.taking_back import begun_steps, refuse_final, take_back
from bonanca.durable.views import PlanRunView


class NothingToAbort(CannotBeSteered):
    """Nothing runs, and nothing that this plan did is the newest state of its subject; nothing was changed."""


def abort_plan(run_id: UUID, *, actor: Actor, now: datetime) -> PlanRunView:
    """Stop the plan before its next step and start its undo: one decision, and nothing can come between the two.

    A plan that no worker holds is cancelled, and its undo started, in this transaction. A worker that holds it ends
    it before the next step and starts the undo in that same transaction, also when the last step was done or failed
    meanwhile. A plan that has succeeded or failed is undone, if nothing has acted on its subject since.

    Returns the plan that takes it back, or the plan itself while a worker still has it or when it had done nothing.

    Raises:
        PlanNotFound, NotAllowed.
        NotUndoable: a step that was begun can never be taken back; the plan goes on.
        NothingToAbort: it ended, and did nothing, was cancelled or undone, or a later plan acted on its subject.
        SubjectBusy: another plan of the same subject has not ended.
    """
    require(actor, Permission.COMMAND)
    get_run(run_id)
    with transaction.atomic():
        row = locked(run_id)
        run = get_run(run_id)
        refuse_final(begun_steps(run))
        if run.abort_by:
            return undo_of(run_id) or run
        if run.finished:
            _refuse_ended(run)
        told(row, "abort", actor=actor, now=now)
        if row.state == RunState.RUNNING:
            PlanRun.objects.filter(pk=run_id, state=RunState.RUNNING).update(
                cancel_requested_at=row.cancel_requested_at or now, pause_requested_at=None, abort_by=actor.label
            )
            return get_run(run_id)
        PlanRun.objects.filter(pk=run_id).update(abort_by=actor.label)
        if run.finished:
            return get_run(take_back(run_id, by=actor.label, now=now))
        cancel_waiting(row, now=now)
        undo = honour_abort(run_id, by=actor.label, now=now)
        return get_run(undo or run_id)


def _refuse_ended(run: PlanRunView) -> None:
    undo = undo_of(run.id)
    if run.state is RunState.CANCELLED or (undo is not None and undo.state is not RunState.CANCELLED):
        raise NothingToAbort(
            _("Nothing runs here: this plan has ended."), hint=_("Undo it, if what it did is to be taken back.")
        )
    if not begun_steps(run):
        raise NothingToAbort(_("This plan did nothing."))
    later = PlanRun.objects.filter(subject=run.subject, started_at__gt=run.finished_at)
    if later.exists():
        raise NothingToAbort(
            _("Nothing runs here, and a later plan has acted on %(subject)s.") % {"subject": run.subject},
            hint=_("Undo that one first."),
        )
