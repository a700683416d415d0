"""It was not over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentReopened
from bonanca.incidents.operations.move import move
from bonanca.incidents.queries import IncidentView
from bonanca.incidents.state import IncidentState

REOPENED = gettext_noop("It is burning again: %(reason)s")


def reopen_incident(incident_id: UUID, *, reason: str = "", actor: Actor, now: datetime) -> IncidentView:
    """Take an incident back to acknowledged: it was resolved too early, or its containment was undone.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is not in a state that leads there.
    """
    return move(
        incident_id,
        to=IncidentState.ACKNOWLEDGED,
        event=IncidentReopened,
        text=REOPENED,
        facts={"reason": reason},
        stamps={"resolved_at": None},
        actor=actor,
        now=now,
    )
