"""Events made up by tests, published as a room would, and worked off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from bonanca.incidents.queries import EntryView, timeline
from bonanca.kernel.events import Event
from bonanca.outbox.operations.publish import publish
from bonanca.signals.events import AlertFiring, AlertResolved
from tests.support.loja import NOW
from tests.support.traces import deliver

LATER = NOW + timedelta(minutes=5)


def happen(event: Event, *, now: datetime = LATER) -> None:
    """Publish an event, and let everything follow from it."""
    with transaction.atomic():
        publish(event, now=now)
    deliver(now)


def again(event: Event, *, now: datetime = LATER) -> None:
    """Deliver the event a second time, as after a crash between the reaction and its mark."""
    happen(event, now=now)


def firing(**facts: Any) -> AlertFiring:
    given = {
        "alert_id": uuid4(),
        "fingerprint": "f1",
        "service": "loja-api",
        "severity": "critical",
        "summary": "Loja responde: 30 % of requests fail",
        "starts_at": NOW,
        "slo": "loja-availability",
    }
    return AlertFiring(**{**given, **facts})


def resolved(alert: AlertFiring) -> AlertResolved:
    return AlertResolved(
        alert_id=alert.alert_id,
        fingerprint=alert.fingerprint,
        service=alert.service,
        severity=alert.severity,
        summary=alert.summary,
        starts_at=alert.starts_at,
        ends_at=LATER,
    )


def told(incident_id: UUID) -> list[str]:
    """The words of the timeline, in order."""
    return [entry.text for entry in timeline(incident_id)]


def entry(incident_id: UUID, words: str) -> EntryView:
    """The one entry that contains the words."""
    [found] = [each for each in timeline(incident_id) if words in each.text]
    return found
