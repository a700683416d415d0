"""An alert has ended."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.queries import incident_for_service
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.signals.events import AlertResolved
from bonanca.signals.state import Door

ENDED = gettext_noop("Alert ended: %(summary)s")


@reaction(AlertResolved, "tell_timeline")
def tell_timeline(event: AlertResolved, now: datetime) -> None:
    """Say so on the timeline; whether the incident is over is for a person to say."""
    # One that was not told there when it began (backups, drills) is not told there when it ends.
    told = event.service and event.door != Door.READINESS
    incident = incident_for_service(event.service) if told else None
    if incident is not None:
        record_timeline(
            incident.id,
            kind=EntryKind.SIGNAL,
            text=ENDED,
            facts={"summary": event.summary_phrase or event.summary, "alert_id": str(event.alert_id)},
            key=f"alert:{event.alert_id}:resolved",
            actor=SYSTEM("signals"),
            now=now,
        )
