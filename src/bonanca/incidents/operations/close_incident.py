"""Nothing is left to do."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentClosed
from bonanca.incidents.operations.move import move
from bonanca.incidents.queries import IncidentView
from bonanca.incidents.state import IncidentState

CLOSED = gettext_noop("Closed: %(reason)s")


def close_incident(incident_id: UUID, *, reason: str = "", actor: Actor, now: datetime) -> IncidentView:
    """Close a resolved incident.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is not in a state that leads there.
    """
    return move(
        incident_id,
        to=IncidentState.CLOSED,
        event=IncidentClosed,
        text=CLOSED,
        facts={"reason": reason},
        stamps={"closed_at": now},
        actor=actor,
        now=now,
    )
