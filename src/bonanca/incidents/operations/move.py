"""The step that every change of an incident's state shares: a conditional update, a timeline entry, an event."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.incidents.events import _Moved
from bonanca.incidents.models import Incident
from bonanca.incidents.operations.record_timeline import IncidentNotFound, append
from bonanca.incidents.queries import IncidentView, view
from bonanca.incidents.state import TRANSITIONS, EntryKind, IncidentState
from bonanca.kernel.errors import Conflict
from bonanca.outbox.operations.publish import publish


class WrongState(Conflict):
    """The incident is in a state from which this does not happen."""


def load(incident_id: UUID, actor: Actor, permission: Permission = Permission.RESPOND) -> Incident:
    """Return the incident if the actor may act on it.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
    """
    incident = Incident.objects.filter(id=incident_id).first()
    if incident is None:
        raise IncidentNotFound(_("There is no such incident."))
    require(actor, permission, team=incident.team)
    return incident


@transaction.atomic
def move(
    incident_id: UUID,
    *,
    to: IncidentState,
    event: type[_Moved],
    text: str,
    actor: Actor,
    now: datetime,
    facts: dict[str, Any] | None = None,
    stamps: dict[str, Any] | None = None,
    kind: EntryKind = EntryKind.ACTION,
    told: dict[str, Any] | None = None,
) -> IncidentView:
    """Move the incident to a state if it is in one that leads there. `told`: what its event says beside the usual.

    Raises:
        IncidentNotFound, NotAllowed: see `load`.
        WrongState: it is not in such a state (any more).
    """
    incident = load(incident_id, actor)
    sources = [state for state, targets in TRANSITIONS.items() if to in targets]
    changes = {"state": to, **(stamps or {})}
    if not Incident.objects.filter(id=incident_id, state__in=sources).update(**changes):
        incident.refresh_from_db()
        raise WrongState(
            _("INC-%(number)s is %(state)s: it cannot become %(to)s.")
            % {"number": incident.number, "state": IncidentState(incident.state).label, "to": to.label}
        )
    incident.refresh_from_db()
    append(incident, kind=kind, text=text, facts=facts, actor=actor, now=now)
    publish(
        event(
            incident_id=incident.id,
            number=incident.number,
            service=incident.service,
            actor=actor.name,
            at=now,
            **(told or {}),
        ),
        now=now,
    )
    return view(incident)
