"""Somebody is on it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import IncidentAcknowledged
from bonanca.incidents.models import Incident
from bonanca.incidents.operations.move import WrongState, load
from bonanca.incidents.operations.record_timeline import append
from bonanca.incidents.queries import IncidentView, view
from bonanca.incidents.state import OPEN, EntryKind, IncidentState
from bonanca.outbox.operations.publish import publish

ACKNOWLEDGED = gettext_noop("%(name)s is on it")


@transaction.atomic
def acknowledge(incident_id: UUID, *, actor: Actor, now: datetime) -> IncidentView:
    """Acknowledge the incident; the first person to do so leads it until somebody else is named.

    Doing it again changes nothing. A state further along (contained, say) stays as it is.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        WrongState: it is over, and nobody had taken it on.
    """
    incident = load(incident_id, actor)
    is_person = actor.kind == "person"
    changed = Incident.objects.filter(id=incident_id, acknowledged_at__isnull=True, state__in=OPEN).update(
        acknowledged_at=now,
        state=Case(
            When(state=IncidentState.DETECTED, then=Value(IncidentState.ACKNOWLEDGED.value)), default=F("state")
        ),
    )
    if changed and is_person and not incident.commander_email:
        Incident.objects.filter(id=incident_id).update(commander_email=actor.identity, commander_name=actor.name)
    incident.refresh_from_db()
    if not changed and incident.acknowledged_at is None:
        raise WrongState(_("INC-%(number)s is over or was changed by somebody else.") % {"number": incident.number})
    if changed:
        append(incident, kind=EntryKind.ACTION, text=ACKNOWLEDGED, facts={"name": actor.name}, actor=actor, now=now)
        publish(
            IncidentAcknowledged(
                incident_id=incident.id, number=incident.number, service=incident.service, actor=actor.name, at=now
            ),
            now=now,
        )
    return view(incident)
