"""Bring the readiness alerts of some names to what holds now: fire what is new, end what is over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.signals.operations.fire_alerts import NewAlert, fire_alerts
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.queries import firing_through
from bonanca.signals.state import Door


@dataclass(frozen=True)
class Settled:
    """What one look changed."""

    fired: int = 0
    resolved: int = 0


def settle_alerts(wanted: Sequence[NewAlert], *, names: Collection[str], by: str, now: datetime) -> Settled:
    """Fire those that do not burn yet, end those of `names` that are not wanted any more; the rest goes on.

    Args:
        by: the part of Bonança that looks.
    """
    actor = SYSTEM(by)
    burning = {
        alert.fingerprint: alert for alert in firing_through(Door.READINESS) if alert.labels.get("alertname") in names
    }
    new = [alert for alert in wanted if burning.pop(alert.fingerprint, None) is None]
    fired = len(fire_alerts(new, actor=actor, now=now)) if new else 0
    resolved = sum(
        resolve_alert(alert.id, reason="recovered", ends_at=now, actor=actor, now=now) for alert in burning.values()
    )
    return Settled(fired, resolved)
