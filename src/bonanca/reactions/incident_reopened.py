"""It was not over."""

from __future__ import annotations

from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.comms.operations.publish_update import INVESTIGATING, publish_update
from bonanca.incidents.events import IncidentReopened
from bonanca.outbox.registry import reaction


@reaction(IncidentReopened, "tell_status_page")
def tell_status_page(event: IncidentReopened, now: datetime) -> None:
    """What customers read last was that it is over."""
    publish_update(
        event.incident_id,
        state="investigating",
        text=INVESTIGATING,
        key=f"reopened:{event.at.isoformat()}",
        actor=SYSTEM("comms"),
        now=now,
    )
