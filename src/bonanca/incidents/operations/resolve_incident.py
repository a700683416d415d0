"""It is over for its users."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentResolved
from bonanca.incidents.operations.move import move
from bonanca.incidents.queries import IncidentView
from bonanca.incidents.state import IncidentState

RESOLVED = gettext_noop("Resolved: %(reason)s")


def resolve_incident(incident_id: UUID, *, reason: str = "", actor: Actor, now: datetime) -> IncidentView:
    """Record that the incident is over; the deadlines of its post-mortem count from here (C2).

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is not in a state that leads there.
    """
    return move(
        incident_id,
        to=IncidentState.RESOLVED,
        event=IncidentResolved,
        text=RESOLVED,
        facts={"reason": reason},
        stamps={"resolved_at": now},
        actor=actor,
        now=now,
    )
