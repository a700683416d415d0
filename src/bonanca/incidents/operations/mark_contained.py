"""The damage no longer spreads."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentContained
from bonanca.incidents.operations.move import move
from bonanca.incidents.queries import IncidentView
from bonanca.incidents.state import IncidentState

CONTAINED = gettext_noop("Contained: %(reason)s")


def mark_contained(incident_id: UUID, *, reason: str = "", actor: Actor, now: datetime) -> IncidentView:
    """Record that the impact is contained (requirement Y6).

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is not in a state that leads there.
    """
    return move(
        incident_id,
        to=IncidentState.CONTAINED,
        event=IncidentContained,
        text=CONTAINED,
        facts={"reason": reason},
        stamps={"contained_at": now},
        actor=actor,
        now=now,
    )
