"""What is known of incidents, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ReinforcedWatchSpec
from bonanca.incidents.models import Incident, Suspect, TimelineEntry
from bonanca.incidents.state import OPEN, SHORT_LABEL, EntryKind, IncidentState, Severity
from bonanca.kernel.errors import Invalid, NotFound
from bonanca.ui.phrases import read, render


@dataclass(frozen=True)
class IncidentView:
    """One incident. Times are UTC; `severity` and `state` are values of their enumerations.

    `title` is in the reader's language unless a person wrote it.
    """

    id: UUID
    number: int
    title: str
    title_phrase: dict[str, Any] | None
    service: str
    team: str
    severity: str
    state: str
    source: str
    alert_id: UUID | None
    commander_email: str
    commander_name: str
    started_at: datetime
    detected_at: datetime
    acknowledged_at: datetime | None
    contained_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None

    @property
    def label(self) -> str:
        return f"INC-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def short_severity(self) -> str:
        return SHORT_LABEL[self.severity]

    @property
    def severity_label(self) -> str:
        return str(Severity(self.severity).label)

    @property
    def state_label(self) -> str:
        return str(IncidentState(self.state).label)

    def duration_s(self, now: datetime) -> float:
        """Return the seconds from the measured start to the end, or to now while it is open."""
        return ((self.resolved_at or now) - self.started_at).total_seconds()


@dataclass(frozen=True)
class EntryView:
    """One row of the timeline; `text` is in the reader's language."""

    id: UUID
    kind: str
    at: datetime
    recorded_at: datetime
    actor: str
    text: str
    facts: dict[str, Any]
    written_by_person: bool
    # The words as recorded: a message id, or what a person wrote.
    recorded_text: str

    @property
    def kind_label(self) -> str:
        return str(EntryKind(self.kind).label)


@dataclass(frozen=True)
class SuspectView:
    """A change under suspicion; `reasons` are (message id, facts) pairs."""

    change_id: UUID
    title: str
    version: str
    changed_at: datetime
    reasons: tuple[tuple[str, dict[str, Any]], ...] = field(default=())

    @property
    def reason_texts(self) -> tuple[str, ...]:
        return tuple(render(text, facts) for text, facts in self.reasons)


def view(incident: Incident) -> IncidentView:
    """Return the model as a frozen value, its title in the active language."""
    facts = {name: getattr(incident, name) for name in IncidentView.__dataclass_fields__}
    return IncidentView(**{**facts, "title": read(incident.title, incident.title_phrase)})


def get_incident(incident_id: UUID) -> IncidentView:
    """Return an incident by id.

    Raises:
        NotFound: there is none.
    """
    found = Incident.objects.filter(id=incident_id).first()
    if found is None:
        raise NotFound(_("There is no such incident."))
    return view(found)


def incident_about(service: str, incident_id: UUID | None) -> IncidentView | None:
    """Return the incident that something at a service is done for; without an id, none.

    Whoever may act on that service acts through it on the incident: it is told, and may be opened again.

    Raises:
        NotFound: there is no such incident. Invalid: it is of another service.
    """
    if incident_id is None:
        return None
    found = get_incident(incident_id)
    if found.service != service:
        raise Invalid(_("This incident is of another service."), field="incident")
    return found


def by_number(number: int) -> IncidentView:
    """Return INC-`number`.

    Raises:
        NotFound: there is none.
    """
    found = Incident.objects.filter(number=number).first()
    if found is None:
        raise NotFound(_("There is no incident INC-%(number)s.") % {"number": number})
    return view(found)


def open_incidents() -> tuple[IncidentView, ...]:
    """Return what burns, worst first, then oldest first."""
    rank = {severity: place for place, severity in enumerate(SHORT_LABEL)}
    found = [view(i) for i in Incident.objects.filter(state__in=OPEN)]
    return tuple(sorted(found, key=lambda i: (rank[i.severity], i.started_at)))


def recent_incidents(*, service: str | None = None, limit: int = 100) -> tuple[IncidentView, ...]:
    """Return incidents, newest first, of one service or of all."""
    rows = Incident.objects.order_by("-number")
    if service is not None:
        rows = rows.filter(service=service)
    return tuple(view(i) for i in rows[:limit])


def incident_for_service(service: str) -> IncidentView | None:
    """Return the open incident of a service that an alert belongs to: the oldest one."""
    found = Incident.objects.filter(service=service, state__in=OPEN).order_by("number").first()
    return view(found) if found else None


def timeline(incident_id: UUID, *, kind: str | None = None) -> tuple[EntryView, ...]:
    """Return the entries, oldest first, all or of one kind."""
    rows = TimelineEntry.objects.filter(incident_id=incident_id).order_by("at", "id")
    if kind:
        rows = rows.filter(kind=kind)
    return tuple(
        EntryView(
            id=e.id,
            kind=e.kind,
            at=e.at,
            recorded_at=e.recorded_at,
            actor=e.actor,
            text=e.text if e.written_by_person else render(e.text, e.facts),
            facts=e.facts,
            written_by_person=e.written_by_person,
            recorded_text=e.text,
        )
        for e in rows
    )


def suspects(incident_id: UUID) -> tuple[SuspectView, ...]:
    """Return the ranked suspects."""
    return tuple(
        SuspectView(
            change_id=s.change_id,
            title=s.title,
            version=s.version,
            changed_at=s.changed_at,
            reasons=tuple((r["text"], r["facts"]) for r in s.reasons),
        )
        for s in Suspect.objects.filter(incident_id=incident_id).order_by("rank")
    )


def hours_of_watch(service: str, severity: str) -> float:
    """Return for how many hours an incident of this severity asks for a closer look when nobody says otherwise."""
    declared = next((one for one in list_services() if one.slug == service), None)
    spec = declared.watch if declared is not None else None
    return (spec or ReinforcedWatchSpec()).hours_after(severity)
