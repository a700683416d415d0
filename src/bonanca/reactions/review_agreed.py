"""Everything that a return brings back has been looked at."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.durable.queries import get_run
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.recovery.events import ReviewAgreed

AGREED = gettext_noop("What comes back has been looked at; %(actor)s ticked the last point, and the plan goes on")


@reaction(ReviewAgreed, "tell_timeline")
def tell_timeline(event: ReviewAgreed, now: datetime) -> None:
    """Say on the timeline of the incident who decided it."""
    incident_id = get_run(event.run_id).context.get("incident_id")
    if incident_id:
        record_timeline(
            UUID(incident_id),
            kind=EntryKind.DECISION,
            text=AGREED,
            facts={"actor": event.actor, "review_id": str(event.review_id)},
            key=f"review:{event.review_id}:agreed",
            at=event.at,
            actor=SYSTEM("recovery"),
            now=now,
        )
