"""It is over: the public is told, and learning begins."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.aftercare.operations.start_watch import NothingToWatch, start_watch
from bonanca.aftercare.state import Origin
from bonanca.comms.operations.publish_update import RESOLVED, publish_update
from bonanca.incidents.events import IncidentResolved
from bonanca.outbox.registry import reaction
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem


@reaction(IncidentResolved, "tell_status_page")
def tell_status_page(event: IncidentResolved, now: datetime) -> None:
    """Customers read that it is over."""
    publish_update(
        event.incident_id,
        state="resolved",
        text=RESOLVED,
        key=f"resolved:{event.at.isoformat()}",
        actor=SYSTEM("comms"),
        now=now,
    )


@reaction(IncidentResolved, "draft_postmortem")
def draft_from_evidence(event: IncidentResolved, now: datetime) -> None:
    """The draft is made from the record the moment the incident resolves (requirement T10)."""
    draft_postmortem(event.incident_id, actor=SYSTEM("postmortems"), now=now)


@reaction(IncidentResolved, "watch_closer")
def watch_closer(event: IncidentResolved, now: datetime) -> None:
    """Who resolved it asked for a closer look, or its severity did (requirement T9)."""
    if event.watch_for_h > 0:
        with suppress(NothingToWatch):
            start_watch(
                event.service,
                origin=Origin.INCIDENT,
                hours=event.watch_for_h,
                incident_id=event.incident_id,
                actor=SYSTEM("aftercare"),
                now=now,
            )
