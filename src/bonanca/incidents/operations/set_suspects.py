"""Name the changes that may have caused it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.incidents.models import Incident, Suspect
from bonanca.incidents.operations.record_timeline import IncidentNotFound, append
from bonanca.incidents.queries import SuspectView
from bonanca.incidents.state import EntryKind

SUSPECTED = gettext_noop("Suspected change: %(title)s")


@transaction.atomic
def set_suspects(incident_id: UUID, suspects: Sequence[SuspectView], *, actor: Actor, now: datetime) -> None:
    """Replace the ranked suspects of an incident; the first one is told on the timeline.

    Raises:
        IncidentNotFound: there is no such incident.
    """
    incident = Incident.objects.select_for_update().filter(id=incident_id).first()
    if incident is None:
        raise IncidentNotFound(_("There is no such incident."))
    Suspect.objects.filter(incident=incident).delete()
    Suspect.objects.bulk_create(
        Suspect(
            incident=incident,
            rank=rank,
            change_id=s.change_id,
            title=s.title,
            version=s.version,
            changed_at=s.changed_at,
            reasons=[{"text": text, "facts": facts} for text, facts in s.reasons],
        )
        for rank, s in enumerate(suspects, start=1)
    )
    if suspects:
        first = suspects[0]
        append(
            incident,
            kind=EntryKind.SIGNAL,
            text=SUSPECTED,
            facts={"title": first.title, "version": first.version, "change_id": str(first.change_id)},
            key=f"suspect:{first.change_id}",
            actor=actor,
            now=now,
        )
