"""Writing a plan down, and putting one back into the queue: where two of one subject meet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.durable.crashpoints import point
from bonanca.durable.errors import KeyTaken, SubjectBusy
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.plan import PlanSpec
from bonanca.durable.state import Direction, RunState, StepState
from bonanca.durable.wake import wake
from bonanca.kernel.audit import record
from bonanca.ui.phrases import stored


def record_plan(
    spec: PlanSpec,
    *,
    by: str,
    now: datetime,
    key: str,
    undo_of: UUID | None = None,
    directions: dict[str, Direction] | None = None,
) -> UUID:
    """Write the rows of a checked plan for the actor ``by``; ``directions`` says which steps (by key) are undos.

    Raises:
        KeyTaken, SubjectBusy: see there; nothing was written.
    """
    with transaction.atomic():
        try:
            run, created = PlanRun.objects.get_or_create(
                key=key,
                defaults={
                    "kind": spec.kind,
                    "subject": spec.subject,
                    "title": str(spec.title)[:500],
                    "title_phrase": stored(spec.title),
                    "context": spec.context,
                    "exclusive": spec.exclusive,
                    "created_by": by,
                    "created_at": now,
                    "undo_of_id": undo_of,
                },
            )
        except IntegrityError as clash:
            raise _busy(clash, spec.subject) from None
        if not created:
            if (run.kind, run.subject) != (spec.kind, spec.subject):
                raise KeyTaken(_("The key “%(key)s” belongs to another plan.") % {"key": key}, field="key")
            return run.pk
        PlanStep.objects.bulk_create(
            PlanStep(
                run=run,
                position=position,
                key=step.key,
                kind=step.kind,
                title=step.title,
                params=step.params,
                direction=(directions or {}).get(step.key, Direction.APPLY),
                timeout_s=step.timeout_s,
                expected_s=step.expected_s,
                retry_for_s=step.retry_for_s,
            )
            for position, step in enumerate(spec.steps, start=1)
        )
        facts = {"kind": spec.kind, "subject": spec.subject, "steps": [s.key for s in spec.steps], "key": key}
        record(aggregate=f"plan:{run.pk}", action="plan.started", actor=by, facts=facts, now=now)
        wake(run.pk)
        point("start:recorded")
        return run.pk


def requeue(run: PlanRun, *, sources: Iterable[RunState]) -> bool:
    """Have a plan of one of these states carried out again; False when it is in another one.

    Raises:
        SubjectBusy: another plan of its subject has begun meanwhile.
    """
    changes: dict[str, Any] = {"state": RunState.QUEUED, "finished_at": None, "error": "", "hint": ""}
    changes |= {"cancel_requested_at": None, "pause_requested_at": None, "abort_by": "", "waits_for": None}
    try:
        with transaction.atomic():
            changed = PlanRun.objects.filter(pk=run.pk, state__in=list(sources)).update(**changes)
    except IntegrityError as clash:
        raise _busy(clash, run.subject) from None
    if changed:
        wake(run.pk)
    return changed == 1


def forget_failures(run_id: UUID) -> None:
    """The failed steps of a plan are to be done as if they had never been tried."""
    PlanStep.objects.filter(run_id=run_id, state=StepState.FAILED).update(
        state=StepState.PENDING, failures=0, failing_for_s=0, error="", started_at=None, finished_at=None
    )


def _busy(clash: IntegrityError, subject: str) -> Exception:
    if "run_exclusive" not in str(clash):
        return clash
    return SubjectBusy(
        _("Another plan of %(subject)s has not ended.") % {"subject": subject},
        hint=_("Wait until it ends, or abort it."),
    )
