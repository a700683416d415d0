"""A replica that was given up runs again, or was stopped on purpose."""

from __future__ import annotations

from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.outbox.registry import reaction
from bonanca.reactions.replica_gave_up import fingerprint
from bonanca.response.events import ReplicaCameBack
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.queries import alerts
from bonanca.signals.state import AlertState


@reaction(ReplicaCameBack, "resolve_alert")
def resolve_its_alert(event: ReplicaCameBack, now: datetime) -> None:
    """Its alert ends; whether the incident is over is for a person to say."""
    wanted = fingerprint(event.service, event.replica)
    for alert in alerts(state=AlertState.FIRING, service=event.service, limit=1000):
        if alert.fingerprint == wanted:
            reason = "withdrawn" if event.stopped else "recovered"
            resolve_alert(alert.id, reason=reason, ends_at=event.at, actor=SYSTEM("supervision"), now=now)
