"""An objective burns, or somebody else's monitoring says so."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.queries import get_watch
from bonanca.catalog.queries import list_services
from bonanca.incidents.operations.move import WrongState
from bonanca.incidents.operations.open_incident import EARLIEST, open_incident
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.operations.reopen_incident import AnotherIsOpen, reopen_incident
from bonanca.incidents.queries import IncidentView, get_incident
from bonanca.incidents.state import EntryKind, IncidentState
from bonanca.notify.operations.enqueue_message import enqueue_message
from bonanca.notify.state import Purpose
from bonanca.oncall.operations.page import page
from bonanca.oncall.queries import who_is_on_call
from bonanca.outbox.registry import reaction
from bonanca.signals.events import AlertFiring
from bonanca.signals.state import Door
from bonanca.ui.phrases import Words, phrase_of, read

FIRING = gettext_noop("Alert: %(summary)s")


@reaction(AlertFiring, "open_incident")
def open_incident_of_alert(event: AlertFiring, now: datetime) -> None:
    """Open the service's incident, or add the alert to the one that is open."""
    actor = SYSTEM("signals")
    if event.door == Door.READINESS:
        # No user suffers: an open incident would be told to the public, and be in the way of one that burns.
        return
    if event.service not in {service.slug for service in list_services()}:
        # An alert about something that the catalog does not know stays on the list of alerts.
        return
    summary = phrase_of(event.summary.strip()[:200], event.summary_phrase)
    incident = _taken_back(event, summary, now) or open_incident(
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
    if event.door == Door.WATCH and incident.alert_id != event.alert_id:
        # Whoever is on call was paged when it began, and believes it to be over.
        page(
            incident_id=incident.id,
            number=incident.number,
            title=summary,
            severity=event.severity,
            team=incident.team,
            occasion=f"watch:{event.alert_id}",
            actor=SYSTEM("oncall"),
            now=now,
        )


def _taken_back(event: AlertFiring, summary: Words, now: datetime) -> IncidentView | None:
    """The incident that a closer look was about, open again; None when this is a case for a new one."""
    if event.door != Door.WATCH or "watch" not in event.labels:
        return None
    watched = get_watch(UUID(event.labels["watch"])).incident_id
    if watched is None or get_incident(watched).state not in (IncidentState.MITIGATED, IncidentState.RESOLVED):
        return None
    try:
        return reopen_incident(watched, reason=summary, actor=SYSTEM("aftercare"), now=now)
    except (AnotherIsOpen, WrongState):
        # Another one of the service is open by now, or somebody has just closed this one.
        return None


@reaction(AlertFiring, "write_about_readiness")
def write_about_readiness(event: AlertFiring, now: datetime) -> None:
    """Write to who is on call that a backup, a drill or a contingency does not hold: a letter, not a page."""
    declared = {service.slug: service for service in list_services()}.get(event.service)
    person = who_is_on_call(declared.team_slug, now) if declared and event.door == Door.READINESS else None
    if person is None:
        return
    with translation.override(person.locale):
        summary = read(event.summary, event.summary_phrase)
        slug = event.labels.get("contingency")
        page = f"/contingencies/{event.service}/{slug}/" if slug else f"/backups/{event.service}/"
        link = f"{settings.PUBLIC_URL}{page}"
        body = _(
            "%(name)s, no user suffers yet, but this would be missed when it is needed:\n\n%(summary)s\n\n%(link)s\n"
        )
        enqueue_message(
            key=f"readiness:{event.alert_id}",
            channel="email",
            to=person.email,
            subject=f"[{event.severity.upper()}] {summary}",
            body=body % {"name": person.name, "summary": summary, "link": link},
            purpose=Purpose.INTERNAL,
            now=now,
        )
