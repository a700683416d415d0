"""What pausing, resuming, skipping and aborting have in common: each is written down and told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bonanca.access.actors import Actor
from bonanca.durable.events import PlanSteered
from bonanca.durable.models import PlanRun
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.outbox.operations.publish import publish


class CannotBeSteered(Conflict):
    """The plan is in a state in which this makes no sense; nothing was changed."""


def locked(run_id: UUID) -> PlanRun:
    """The plan's row, held until the caller's transaction ends: no step begins and nobody else decides meanwhile."""
    return PlanRun.objects.select_for_update().get(pk=run_id)


def told(run: PlanRun, verb: str, *, actor: Actor, now: datetime, step_key: str = "", reason: str = "") -> None:
    """Audit entry and event of an intervention."""
    facts = {name: value for name, value in (("step", step_key), ("reason", reason)) if value}
    record(aggregate=f"plan:{run.pk}", action=f"plan.{verb}_asked", actor=actor.label, facts=facts, now=now)
    event = PlanSteered(
        run_id=run.pk,
        kind=run.kind,
        subject=run.subject,
        verb=verb,
        actor=actor.shown_name,
        step_key=step_key,
        reason=reason,
        context=run.context,
        at=now,
    )
    publish(event, now=now)
