"""A service is watched closer than usual."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.events import WatchStarted
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction

CLOSER = gettext_noop("Watched closer for %(hours)s h: alerts at %(percent)s %% of the usual burn rates")
LONGER = gettext_noop("Watched closer for another %(hours)s h")


@reaction(WatchStarted, "tell_timeline")
def tell_timeline(event: WatchStarted, now: datetime) -> None:
    """Whoever reads the incident knows that somebody looks."""
    if event.incident_id is not None:
        facts = {
            "hours": round((event.until - event.at).total_seconds() / 3600, 1),
            "percent": round(100 * event.tighten),
            "watch_id": str(event.watch_id),
        }
        record_timeline(
            event.incident_id,
            kind=EntryKind.ACTION,
            text=LONGER if event.extended else CLOSER,
            facts=facts,
            key=f"watch:{event.watch_id}:{event.at.isoformat()}",
            at=event.at,
            actor=SYSTEM("aftercare"),
            now=now,
        )
