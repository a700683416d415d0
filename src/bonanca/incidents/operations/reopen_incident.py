"""It was not over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentReopened
from bonanca.incidents.operations.move import move
from bonanca.incidents.queries import IncidentView, get_incident, incident_for_service
from bonanca.incidents.state import IncidentState
from bonanca.kernel.errors import Conflict
from bonanca.ui.phrases import Words, stored


class AnotherIsOpen(Conflict):
    """Of one service, one incident at a time takes in the alerts."""


REOPENED = gettext_noop("It is burning again: %(reason)s")


def reopen_incident(incident_id: UUID, *, reason: Words = "", actor: Actor, now: datetime) -> IncidentView:
    """Take an incident back to acknowledged: it was resolved too early, or its containment was undone.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is not in a state that leads there.
        AnotherIsOpen: alerts of its service belong to another incident by now.
    """
    try:
        return move(
            incident_id,
            to=IncidentState.ACKNOWLEDGED,
            event=IncidentReopened,
            text=REOPENED,
            facts={"reason": stored(reason) or reason},
            stamps={"resolved_at": None},
            actor=actor,
            now=now,
        )
    except IntegrityError:
        other = incident_for_service(get_incident(incident_id).service)
        if other is None:
            raise
        raise AnotherIsOpen(
            _("%(incident)s of the same service is open: go on there.") % {"incident": other.label}
        ) from None
