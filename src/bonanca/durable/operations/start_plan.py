"""Start a plan."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.durable import engine
from bonanca.durable.crashpoints import point
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.plan import InvalidPlan, PlanSpec, checked
from bonanca.durable.queries import get_run
from bonanca.durable.registry import knows
from bonanca.durable.state import Direction
from bonanca.durable.views import PlanRunView
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.ui.phrases import stored


class KeyTaken(Conflict):
    """Another plan was started under this key."""


def start_plan(spec: PlanSpec, *, actor: Actor, now: datetime, key: str) -> PlanRunView:
    """Record the plan and have it carried out, in the caller's transaction: a rollback leaves nothing.

    Under the same ``key`` there is one plan, however often it is started. Whether the actor may act on the subject
    is the caller's to check, who knows what the plan is about.

    Raises:
        InvalidPlan: the data cannot be carried out.
        KeyTaken: the key belongs to a plan of another kind or subject.
    """
    spec = checked(spec)
    for step in spec.steps:
        if not knows(step.kind):
            raise InvalidPlan(_("No worker knows steps of the kind “%(kind)s”.") % {"kind": step.kind}, field=step.key)
    return record_plan(spec, actor=actor, now=now, key=key)


def record_plan(
    spec: PlanSpec,
    *,
    actor: Actor,
    now: datetime,
    key: str,
    undo_of: UUID | None = None,
    directions: dict[str, Direction] | None = None,
) -> PlanRunView:
    """Write the rows of a checked plan; ``directions`` says which steps (by key) are undos."""
    with transaction.atomic():
        run, created = PlanRun.objects.get_or_create(
            key=key,
            defaults={
                "kind": spec.kind,
                "subject": spec.subject,
                "title": str(spec.title)[:500],
                "title_phrase": stored(spec.title),
                "context": spec.context,
                "created_by": actor.label,
                "created_at": now,
                "undo_of_id": undo_of,
            },
        )
        if not created:
            if (run.kind, run.subject) != (spec.kind, spec.subject):
                raise KeyTaken(_("The key “%(key)s” belongs to another plan.") % {"key": key}, field="key")
            return get_run(run.pk)
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
            )
            for position, step in enumerate(spec.steps, start=1)
        )
        facts = {"kind": spec.kind, "subject": spec.subject, "steps": [s.key for s in spec.steps], "key": key}
        record(aggregate=f"plan:{run.pk}", action="plan.started", actor=actor.label, facts=facts, now=now)
        engine.start(run.pk)
        point("start:recorded")
        return get_run(run.pk)
