"""Draft from the record."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.incidents.queries import get_incident
from bonanca.kernel import audit
from bonanca.outbox.operations.publish import publish
from bonanca.postmortems.events import PostmortemDrafted
from bonanca.postmortems.evidence import collect
from bonanca.postmortems.models import Postmortem
from bonanca.postmortems.queries import PostmortemView, view
from bonanca.postmortems.state import PostmortemState


@transaction.atomic
def draft_postmortem(incident_id: UUID, *, actor: Actor, now: datetime) -> PostmortemView:
    """Freeze the evidence of an incident into a draft; drafting again refreshes a draft's evidence.

    Raises:
        NotFound: there is no such incident.
        NotAllowed: the actor may not act on its service.
    """
    incident = get_incident(incident_id)
    require(actor, Permission.RESPOND, team=incident.team)
    evidence = msgspec.to_builtins(collect(incident_id, now))
    row, fresh = Postmortem.objects.get_or_create(
        incident_id=incident_id,
        defaults={
            "number": incident.number,
            "title": incident.title,
            "title_phrase": incident.title_phrase,
            "service": incident.service,
            "team": incident.team,
            "severity": incident.severity,
            "evidence": evidence,
            "drafted_at": now,
        },
    )
    if not fresh:
        Postmortem.objects.filter(id=row.id, state=PostmortemState.DRAFT).update(evidence=evidence, drafted_at=now)
        row.refresh_from_db()
    audit.record(
        aggregate=f"postmortem:{row.id}",
        action="postmortems.drafted",
        actor=actor.label,
        facts={"incident": incident_id, "again": not fresh},
        now=now,
    )
    if fresh:
        publish(PostmortemDrafted(postmortem_id=row.id, incident_id=incident_id, number=row.number, at=now), now=now)
    return view(row)
