"""A replica failed too often and is not started again by itself."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.outbox.registry import reaction
from bonanca.response.events import ReplicaGaveUp
from bonanca.signals.operations.fire_alerts import NewAlert, fire_alerts
from bonanca.signals.state import Door, Severity
from bonanca.ui.phrases import Phrase

GIVEN_UP = gettext_noop("%(replica)s was given up: it failed again after %(restarts)d restarts in %(window_s)s")


def fingerprint(service: str, replica: str) -> str:
    """Names the condition, so that a replica has one alert at a time."""
    return sha256(f"supervision:{service}:{replica}".encode()).hexdigest()[:16]


@reaction(ReplicaGaveUp, "fire_alert")
def fire_alert(event: ReplicaGaveUp, now: datetime) -> None:
    """An alert like any other: it opens the service's incident, and somebody is woken."""
    facts = {"replica": event.replica, "restarts": event.restarts, "window_s": event.window_s}
    alert = NewAlert(
        fingerprint=fingerprint(event.service, event.replica),
        door=Door.SUPERVISION,
        service=event.service,
        severity=Severity.CRITICAL if event.critical else Severity.HIGH,
        summary=Phrase(GIVEN_UP, facts),
        starts_at=event.at,
        labels={"alertname": "ReplicaGaveUp", "service": event.service, "replica": event.replica},
        evidence={"error": event.error[:2000], "restarts": event.restarts, "window_s": event.window_s},
    )
    fire_alerts([alert], actor=SYSTEM("supervision"), now=now)
