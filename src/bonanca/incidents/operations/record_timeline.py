"""Write one entry of an incident's timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.incidents.models import Incident, TimelineEntry
from bonanca.incidents.state import EntryKind
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotFound
from bonanca.kernel.ids import new_id

MAX_NOTE = 8000


class IncidentNotFound(NotFound):
    """There is no such incident."""


@transaction.atomic
def record_timeline(
    incident_id: UUID,
    *,
    kind: str,
    text: str,
    actor: Actor,
    now: datetime,
    facts: dict[str, Any] | None = None,
    at: datetime | None = None,
    key: str | None = None,
) -> None:
    """Append an entry: `text` is an English message id whose named placeholders are in `facts`.

    `at` is when it happened (default: now), `key` makes a second recording of the same thing a
    no-op. The text is translated when it is read.

    Raises:
        IncidentNotFound: there is no such incident.
    """
    incident = Incident.objects.filter(id=incident_id).first()
    if incident is None:
        raise IncidentNotFound(_("There is no such incident."))
    append(incident, kind=kind, text=text, actor=actor, now=now, facts=facts, at=at, key=key)


@transaction.atomic
def add_note(incident_id: UUID, *, text: str, actor: Actor, now: datetime) -> None:
    """Keep what a person wrote, as they wrote it.

    Raises:
        IncidentNotFound: there is no such incident.
        NotAllowed: the actor may not act on the service.
        Invalid: the note is empty or too long.
    """
    incident = Incident.objects.filter(id=incident_id).first()
    if incident is None:
        raise IncidentNotFound(_("There is no such incident."))
    require(actor, Permission.RESPOND, team=incident.team)
    words = text.strip()
    if not words:
        raise Invalid(_("Write what you saw or did."), field="text")
    if len(words) > MAX_NOTE:
        raise Invalid(_("A note has at most %(limit)s characters.") % {"limit": MAX_NOTE}, field="text")
    append(incident, kind=EntryKind.NOTE, text=words, actor=actor, now=now, written_by_person=True)


def append(
    incident: Incident,
    *,
    kind: str,
    text: str,
    actor: Actor,
    now: datetime,
    facts: dict[str, Any] | None = None,
    at: datetime | None = None,
    key: str | None = None,
    written_by_person: bool = False,
) -> bool:
    """Append an entry to the timeline and to the audit chain; False when its key is already there."""
    entry_id = new_id()
    _entry, fresh = TimelineEntry.objects.get_or_create(
        incident=incident,
        key=key or str(entry_id),
        defaults={
            "id": entry_id,
            "kind": kind,
            "at": at or now,
            "recorded_at": now,
            "actor": actor.name if actor.kind == "person" else actor.label,
            "text": text,
            "written_by_person": written_by_person,
            "facts": facts or {},
        },
    )
    if fresh:
        audit.record(
            aggregate=f"incident:{incident.id}",
            action="incidents.timeline.recorded",
            actor=actor.label,
            facts={"kind": kind, "text": text, "facts": facts or {}, "at": (at or now)},
            now=now,
        )
    return fresh
