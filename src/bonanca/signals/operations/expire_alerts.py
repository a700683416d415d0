"""End the alerts whose senders fell silent."""

from __future__ import annotations

from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.signals.models import Alert
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.state import AlertState

BATCH = 500


def expire_alerts(*, now: datetime) -> int:
    """Resolve what was not sent again in time, each in its own transaction; return how many."""
    due = Alert.objects.filter(state=AlertState.FIRING, expires_at__lte=now).order_by("expires_at")
    return sum(
        resolve_alert(
            alert_id, reason="timeout", ends_at=expires_at, actor=SYSTEM("signals"), now=now, only_if_expired=True
        )
        for alert_id, expires_at in due.values_list("id", "expires_at")[:BATCH]
        if expires_at is not None
    )
