"""One step of a plan is in effect."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.durable.events import PlanStepDone
from bonanca.durable.queries import get_run
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction

STEP_DONE = gettext_noop("Plan, step done: %(step)s")


@reaction(PlanStepDone, "tell_timeline")
def tell_timeline(event: PlanStepDone, now: datetime) -> None:
    """Say so on the timeline of the incident that the plan is for."""
    incident_id = event.context.get("incident_id")
    if incident_id:
        step = get_run(event.run_id).step(event.step_key)
        record_timeline(
            UUID(incident_id),
            kind=EntryKind.ACTION,
            text=STEP_DONE,
            facts={"step": step.title or step.key, "run_id": str(event.run_id)},
            key=f"run:{event.run_id}:{event.step_key}",
            at=step.finished_at or now,
            actor=SYSTEM("durable"),
            now=now,
        )
