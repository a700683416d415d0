"""The service works again; it is being watched."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentMitigated
from bonanca.incidents.operations.move import move
from bonanca.incidents.queries import IncidentView
from bonanca.incidents.state import IncidentState
from bonanca.ui.phrases import Words, stored

MITIGATED = gettext_noop("Mitigated: %(reason)s")


def mark_mitigated(incident_id: UUID, *, reason: Words = "", actor: Actor, now: datetime) -> IncidentView:
    """Record that the service was brought back.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is not in a state that leads there.
    """
    return move(
        incident_id,
        to=IncidentState.MITIGATED,
        event=IncidentMitigated,
        text=MITIGATED,
        facts={"reason": stored(reason) or reason},
        stamps={"mitigated_at": now},
        actor=actor,
        now=now,
    )
