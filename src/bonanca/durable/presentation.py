"""A plan in words for people: what happens now, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.durable.queries import undo_of
from bonanca.durable.registry import unskippable
from bonanca.durable.state import RunState, StepState
from bonanca.durable.stuck import Stuck, stuck
from bonanca.durable.views import PlanRunView, StepView
from bonanca.kernel.clock import utc_now

clock = utc_now


@dataclass(frozen=True)
class Progress:
    """What the progress fragment shows. ``undo`` is the plan that takes this one back, if there is one."""

    run: PlanRunView
    headline: str
    note: str
    done: int
    undo: PlanRunView | None
    may_act: bool
    may_retry: bool
    may_undo: bool
    may_cancel: bool
    may_pause: bool
    may_resume: bool
    may_abort: bool
    # Why it does not get on, and what can be done about it.
    stuck: Stuck | None
    # The step that could be left out now; `unskippable` says why it may not be.
    skippable: StepView | None
    unskippable: str

    @property
    def skippable_title(self) -> str:
        """The step's title as people read it."""
        return "" if self.skippable is None else _(self.skippable.title) or self.skippable.key


def progress(run: PlanRunView, actor: Actor | None) -> Progress:
    """Return what a person with the actor's permissions sees of the plan."""
    permission = Permission.COMMAND if run.team is None else Permission.RESPOND
    may_act = allowed(actor, permission, team=run.team)
    undo = undo_of(run.id)
    taken_back = undo is not None and undo.state is not RunState.CANCELLED
    began = any(step.attempts for step in run.steps)
    commands = allowed(actor, Permission.COMMAND)
    skippable = _skippable(run) if commands and not taken_back else None
    return Progress(
        run=run,
        headline=headline(run),
        note=_note(run),
        done=sum(step.state == "done" for step in run.steps),
        undo=undo if taken_back else None,
        may_act=may_act,
        may_retry=may_act and run.state is RunState.FAILED and not taken_back,
        may_undo=commands and run.finished and began and not taken_back,
        may_cancel=may_act and not run.finished and not run.cancel_requested,
        may_pause=may_act and not run.finished and not run.cancel_requested and not _held(run),
        may_resume=may_act and not run.finished and not run.cancel_requested and _held(run),
        may_abort=commands and not run.finished and not run.abort_by,
        stuck=stuck(run, clock()),
        skippable=skippable,
        unskippable=_(unskippable(skippable.kind)) if skippable and unskippable(skippable.kind) else "",
    )


def _held(run: PlanRunView) -> bool:
    """Whether a person holds it; one that waits for an answer goes on by itself when that comes."""
    return (run.state is RunState.PAUSED and not run.waits_at) or run.pause_requested


def _skippable(run: PlanRunView) -> StepView | None:
    """The step at which a plan that failed or is paused would go on."""
    if run.state not in (RunState.PAUSED, RunState.FAILED):
        return None
    return next((step for step in run.steps if step.state in (StepState.FAILED, StepState.PENDING)), None)


def headline(run: PlanRunView) -> str:
    """One sentence that says where the plan is."""
    done, total = sum(step.state == "done" for step in run.steps), len(run.steps)
    if run.state is RunState.QUEUED:
        return _("Waiting for a worker.")
    if run.state is RunState.RUNNING:
        if run.abort_by:
            return _("Stopping before the next step; then what was done is taken back.")
        if run.cancel_requested:
            return _("Stopping before the next step.")
        now = run.current
        if run.pause_requested:
            return _("Pausing before the next step.")
        if now is None:
            return _("Running: %(done)d of %(total)d steps done.") % {"done": done, "total": total}
        values = {"number": done + 1, "total": total, "step": _(now.title) or now.key}
        return _("Step %(number)d of %(total)d: %(step)s") % values
    if run.state is RunState.PAUSED and run.waits_for:
        return _("Waits for people: %(words)s") % {"words": run.waits_for}
    if run.state is RunState.PAUSED:
        return _("Paused: %(done)d of %(total)d steps done. Nothing happens until it is resumed.") % {
            "done": done,
            "total": total,
        }
    if run.state is RunState.SUCCEEDED and run.skipped:
        return _("Ended: %(done)d of %(total)d steps are in effect; skipped: %(steps)s.") % {
            "done": done,
            "total": total,
            "steps": ", ".join(_(step.title) or step.key for step in run.skipped),
        }
    if run.state is RunState.SUCCEEDED:
        return _("Done: all %(total)d steps are in effect.") % {"total": total}
    if run.state is RunState.CANCELLED:
        return _("Cancelled after %(done)d of %(total)d steps.") % {"done": done, "total": total}
    failed = next((step for step in run.steps if step.state == "failed"), None)
    return _("Failed at the step “%(step)s”.") % {"step": (_(failed.title) or failed.key) if failed else "?"}


def _note(run: PlanRunView) -> str:
    if not run.takeovers:
        return ""
    return ngettext(
        "A worker died while it ran; another one took over.",
        "Workers died while it ran; others took over %(count)d times.",
        run.takeovers,
    ) % {"count": run.takeovers}
