"""Start a plan."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.durable.errors import KeyTaken, SubjectBusy
from bonanca.durable.plan import InvalidPlan, PlanSpec, checked
from bonanca.durable.queries import get_run
from bonanca.durable.recording import record_plan
from bonanca.durable.registry import knows
from bonanca.durable.views import PlanRunView

__all__ = ["KeyTaken", "SubjectBusy", "start_plan"]


def start_plan(spec: PlanSpec, *, actor: Actor, now: datetime, key: str) -> PlanRunView:
    """Record the plan and have it carried out, in the caller's transaction: a rollback leaves nothing.

    Under the same ``key`` there is one plan, however often it is started. Whether the actor may act on the subject
    is the caller's to check, who knows what the plan is about.

    Raises:
        InvalidPlan: the data cannot be carried out.
        KeyTaken: the key belongs to a plan of another kind or subject.
        SubjectBusy: ``spec.exclusive`` is taken by a plan that has not ended.
    """
    spec = checked(spec)
    for step in spec.steps:
        if not knows(step.kind):
            raise InvalidPlan(_("No worker knows steps of the kind “%(kind)s”.") % {"kind": step.kind}, field=step.key)
    return get_run(record_plan(spec, by=actor.label, now=now, key=key))
