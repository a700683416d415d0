"""An objective burns, or somebody else's monitoring says so."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.catalog.queries import list_services
from bonanca.incidents.operations.open_incident import EARLIEST, open_incident
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.signals.events import AlertFiring
from bonanca.ui.phrases import phrase_of

FIRING = gettext_noop("Alert: %(summary)s")


@reaction(AlertFiring, "open_incident")
def open_incident_of_alert(event: AlertFiring, now: datetime) -> None:
    """Open the service's incident, or add the alert to the one that is open."""
    actor = SYSTEM("signals")
    if event.service not in {service.slug for service in list_services()}:
        # An alert about something that the catalog does not know stays on the list of alerts.
        return
    summary = phrase_of(event.summary.strip()[:200], event.summary_phrase)
    incident = open_incident(
        # Somebody else's monitoring may have nothing to say.
        title=summary if event.summary.strip() else event.slo or event.service,
        service=event.service,
        severity=event.severity,
        actor=actor,
        now=now,
        source="alert",
        started_at=max(min(event.starts_at, now), EARLIEST),
        alert_id=event.alert_id,
        alert_fingerprint=event.fingerprint,
    )
    record_timeline(
        incident.id,
        kind=EntryKind.SIGNAL,
        text=FIRING,
        facts={
            "summary": event.summary_phrase or event.summary,
            "alert_id": str(event.alert_id),
            "slo": event.slo or "",
        },
        key=f"alert:{event.alert_id}:firing",
        actor=actor,
        now=now,
    )
