"""People have come back from a contingency, or ended it early."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.queries import incident_for_service
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.risks.events import ContingencyEnded

WORDS = {
    "done": gettext_noop("%(actor)s ended the contingency “%(name)s”: it is back to normal"),
    "failed": gettext_noop("%(actor)s ended the contingency “%(name)s”; not every step had worked"),
    "abandoned": gettext_noop("%(actor)s ended the contingency “%(name)s” early: %(note)s"),
}


@reaction(ContingencyEnded, "tell_timeline")
def tell_timeline(event: ContingencyEnded, now: datetime) -> None:
    """Say it on the timeline of its incident, else of the service's open one; exercises stay out."""
    if event.exercise:
        return
    found = incident_for_service(event.service) if event.incident_id is None else None
    incident_id = event.incident_id or (found.id if found else None)
    if incident_id is not None:
        record_timeline(
            incident_id,
            kind=EntryKind.ACTION,
            text=WORDS[event.outcome],
            facts={"actor": event.actor, "name": event.name, "note": event.note, "use_id": str(event.use_id)},
            key=f"contingency:{event.use_id}:ended",
            at=event.at,
            actor=SYSTEM("risks"),
            now=now,
        )
