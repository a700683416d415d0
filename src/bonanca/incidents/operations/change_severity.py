"""It is worse, or less bad, than it looked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.events import SeverityChanged
from bonanca.incidents.models import Incident
from bonanca.incidents.operations.move import WrongState, load
from bonanca.incidents.operations.record_timeline import append
from bonanca.incidents.queries import IncidentView, view
from bonanca.incidents.state import OPEN, EntryKind, Severity
from bonanca.kernel.errors import Invalid
from bonanca.outbox.operations.publish import publish

CHANGED = gettext_noop("Severity %(before)s → %(after)s: %(reason)s")


@transaction.atomic
def change_severity(incident_id: UUID, *, severity: str, reason: str, actor: Actor, now: datetime) -> IncidentView:
    """Change the severity of an open incident, with the reason.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        Invalid: the severity is unknown.
        WrongState: the incident is over.
    """
    incident = load(incident_id, actor)
    if severity not in Severity.values:
        raise Invalid(
            _("The severity must be one of %(known)s (got %(given)s).")
            % {"known": ", ".join(Severity.values), "given": severity},
            field="severity",
        )
    if severity == incident.severity:
        return view(incident)
    if not Incident.objects.filter(id=incident_id, state__in=OPEN, severity=incident.severity).update(
        severity=severity
    ):
        raise WrongState(_("INC-%(number)s is over or was changed by somebody else.") % {"number": incident.number})
    before = incident.severity
    incident.refresh_from_db()
    facts = {"before": before, "after": severity, "reason": reason.strip() or "—"}
    append(incident, kind=EntryKind.DECISION, text=CHANGED, facts=facts, actor=actor, now=now)
    publish(
        SeverityChanged(
            incident_id=incident.id,
            number=incident.number,
            service=incident.service,
            before=before,
            after=severity,
            reason=facts["reason"],
        ),
        now=now,
    )
    return view(incident)
