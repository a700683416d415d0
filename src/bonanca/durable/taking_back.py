"""Starting the plan that takes another one back: on a person's word, or when a plan ends that was aborted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.durable.errors import NotUndoable, NotUndoableNow
from bonanca.durable.models import PlanRun
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.recording import record_plan
from bonanca.durable.registry import undoable
from bonanca.durable.state import Direction, RunState
from bonanca.durable.views import PlanRunView, StepView
from bonanca.ui.phrases import Phrase

UNDO = gettext_noop("Undo: %(title)s")


def take_back(run_id: UUID, *, by: str, now: datetime) -> UUID:
    """Record the undo of a plan that has ended and whose row the caller has locked; twice gives the same.

    Raises:
        NotUndoable, NotUndoableNow, SubjectBusy: see there; nothing was started.
    """
    run = get_run(run_id)
    earlier = undo_of(run_id)
    if earlier is not None and earlier.state is RunState.FAILED:
        raise NotUndoableNow(_("The undo of this plan has failed."), hint=_("Retry the undo."))
    if earlier is not None and earlier.state is not RunState.CANCELLED:
        return earlier.id
    if not run.finished:
        # By the page's button of the same name, or by the command.
        hint = _("Wait until it ends, or abort it, which takes back what it did: bonanca plan abort %(id)s")
        raise NotUndoableNow(_("This plan has not ended."), hint=hint % {"id": run_id})
    begun = begun_steps(run)
    if not begun:
        raise NotUndoableNow(_("This plan did nothing."))
    refuse_final(begun)
    spec = PlanSpec(
        kind=f"{run.kind}.undo" if not run.kind.endswith(".undo") else run.kind.removesuffix(".undo"),
        subject=run.subject,
        title=Phrase(UNDO, {"title": run.title_phrase or run.title}),
        steps=tuple(
            StepSpec(s.key, s.kind, s.params, s.title, s.timeout_s, s.expected_s, s.retry_for_s)
            for s in reversed(begun)
        ),
        context={**run.context, "undo_of": str(run_id)},
        exclusive=run.exclusive,
    )
    directions = {s.key: Direction.UNDO if s.direction == Direction.APPLY else Direction.APPLY for s in begun}
    count = PlanRun.objects.filter(undo_of=run_id).count()
    return record_plan(spec, by=by, now=now, key=f"undo:{run_id}:{count + 1}", undo_of=run_id, directions=directions)


def begun_steps(run: PlanRunView) -> list[StepView]:
    """What an undo has to look at: every step that was begun, in effect or not."""
    return [step for step in run.steps if step.attempts > 0]


def refuse_final(begun: list[StepView]) -> None:
    """Raises NotUndoable when one of the steps can never be taken back."""
    for step in begun:
        if step.direction == Direction.APPLY and not undoable(step.kind):
            raise NotUndoable(_("“%(step)s” cannot be taken back.") % {"step": step.title or step.key})
