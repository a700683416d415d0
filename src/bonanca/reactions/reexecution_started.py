"""Failed work is being run again."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.events import ReexecutionStarted
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction

STARTED = gettext_noop("%(actor)s has %(items)s failed things run again")


@reaction(ReexecutionStarted, "tell_timeline")
def tell_timeline(event: ReexecutionStarted, now: datetime) -> None:
    """Whoever reads the incident knows that what failed is being made good."""
    if event.incident_id is not None:
        record_timeline(
            event.incident_id,
            kind=EntryKind.ACTION,
            text=STARTED,
            facts={"actor": event.actor, "items": event.items, "reexecution_id": str(event.reexecution_id)},
            key=f"reexecution:{event.reexecution_id}:started",
            at=event.at,
            actor=SYSTEM("aftercare"),
            now=now,
        )
