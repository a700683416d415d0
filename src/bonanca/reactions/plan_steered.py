"""A person intervened in a plan that runs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.durable.events import PlanSteered
from bonanca.durable.queries import get_run
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction

WORDS = {
    "pause": gettext_noop("%(actor)s paused the plan: %(title)s"),
    "resume": gettext_noop("%(actor)s let the plan go on: %(title)s"),
    "skip": gettext_noop("%(actor)s skipped the step “%(step)s” of the plan: %(reason)s"),
    "abort": gettext_noop("%(actor)s aborted the plan; what it did is taken back: %(title)s"),
}


@reaction(PlanSteered, "tell_timeline")
def tell_timeline(event: PlanSteered, now: datetime) -> None:
    """Say on the timeline of the incident who decided what."""
    incident_id = event.context.get("incident_id")
    if not incident_id:
        return
    run = get_run(event.run_id)
    facts = {"actor": event.actor, "title": run.title_phrase or run.title, "run_id": str(run.id)}
    if event.step_key:
        facts |= {"step": run.step(event.step_key).title or event.step_key, "reason": event.reason}
    record_timeline(
        UUID(incident_id),
        kind=EntryKind.DECISION,
        text=WORDS[event.verb],
        facts=facts,
        key=f"run:{run.id}:{event.verb}:{event.step_key}:{event.at.isoformat()}",
        at=event.at,
        actor=SYSTEM("durable"),
        now=now,
    )
