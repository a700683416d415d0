"""Go on without a step."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.durable.models import PlanStep
from bonanca.durable.operations.steering import CannotBeSteered, locked, told
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.recording import forget_failures, requeue
from bonanca.durable.registry import unskippable
from bonanca.durable.state import RunState, StepState, step_sources
from bonanca.durable.views import PlanRunView
from bonanca.kernel.errors import Invalid, NotFound

REASON_LENGTH = 1000


class StepNotFound(NotFound):
    """The plan has no such step."""


class NotSkippable(CannotBeSteered):
    """The plan may not go on without this step."""


def skip_step(run_id: UUID, step_key: str, *, reason: str, actor: Actor, now: datetime) -> PlanRunView:
    """Leave out a step that failed or waits, of a plan that failed or is paused.

    What later steps would have used of it is missing to them, and they say so. A plan that failed at this step goes
    on at once; a paused one waits to be resumed. In an undo, a skipped step leaves in effect what it would have
    taken back.

    Raises:
        PlanNotFound, StepNotFound.
        NotAllowed: only a commander decides that.
        Invalid: no reason was given.
        NotSkippable: the step declares that nothing may go on without it.
        CannotBeSteered: plan or step are in another state, or the plan is being undone.
        SubjectBusy: another plan of the same subject has begun meanwhile.
    """
    require(actor, Permission.COMMAND)
    step = next((step for step in get_run(run_id).steps if step.key == step_key), None)
    if step is None:
        raise StepNotFound(_("This plan has no step “%(key)s”.") % {"key": step_key}, field="step")
    reason = reason.strip()[:REASON_LENGTH]
    if not reason:
        raise Invalid(_("Say why the step is skipped."), field="reason")
    if why := unskippable(step.kind):
        raise NotSkippable(_("“%(step)s” cannot be skipped.") % {"step": _(step.title) or step.key}, hint=_(why))
    with transaction.atomic():
        row = locked(run_id)
        if row.state not in (RunState.PAUSED, RunState.FAILED) or undo_of(run_id) is not None:
            raise CannotBeSteered(
                _("Steps can be skipped while a plan is paused or has failed; this one is: %(state)s.")
                % {"state": RunState(row.state).label},
                hint=_("Pause it first."),
            )
        failed = row.steps.filter(key=step_key, state=StepState.FAILED).exists()
        changed = PlanStep.objects.filter(
            run_id=run_id, key=step_key, state__in=step_sources(StepState.SKIPPED), skip_reason=""
        ).update(state=StepState.SKIPPED, skip_reason=reason, skipped_by=actor.label, finished_at=now)
        if changed != 1:
            raise CannotBeSteered(_("Only a step that failed or waits can be skipped."), field="step")
        told(row, "skip", actor=actor, now=now, step_key=step_key, reason=reason)
        if failed and row.state == RunState.FAILED:
            forget_failures(run_id)
            requeue(row, sources=[RunState.FAILED])
        return get_run(run_id)
