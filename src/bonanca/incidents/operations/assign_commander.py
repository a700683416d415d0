"""Name who leads."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.catalog.queries import team_members
from bonanca.incidents.models import Incident
from bonanca.incidents.operations.move import load
from bonanca.incidents.operations.record_timeline import append
from bonanca.incidents.queries import IncidentView, view
from bonanca.incidents.state import EntryKind
from bonanca.kernel.errors import Invalid

ASSIGNED = gettext_noop("%(name)s is the Incident Commander")


@transaction.atomic
def assign_commander(incident_id: UUID, *, email: str, actor: Actor, now: datetime) -> IncidentView:
    """Make a member of the service's team the Incident Commander (requirement C7); who leads already goes on.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        Invalid: nobody of the team has this e-mail address.
    """
    incident = load(incident_id, actor)
    chosen = next((m for m in team_members(incident.team) if m.email.lower() == email.strip().lower()), None)
    if chosen is None:
        raise Invalid(
            _("%(email)s is not a member of the team %(team)s.") % {"email": email, "team": incident.team},
            field="email",
        )
    if incident.commander_email == chosen.email:
        return view(incident)
    Incident.objects.filter(id=incident_id).update(commander_email=chosen.email, commander_name=chosen.name)
    incident.refresh_from_db()
    append(incident, kind=EntryKind.DECISION, text=ASSIGNED, facts={"name": chosen.name}, actor=actor, now=now)
    return view(incident)
