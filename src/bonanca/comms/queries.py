"""What the public may know: components, incidents with their updates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from bonanca.catalog.queries import list_services
from bonanca.comms.models import StatusUpdate
from bonanca.comms.state import ComponentState, UpdateState
from bonanca.incidents.queries import IncidentView, recent_incidents
from bonanca.incidents.state import IncidentState, Severity

HISTORY_DAYS = 90
PAST_INCIDENTS = 20

# How a component looks while an incident of this severity burns.
LOOKS: dict[str, ComponentState] = {
    Severity.CRITICAL: ComponentState.OUTAGE,
    Severity.HIGH: ComponentState.DEGRADED,
    Severity.MEDIUM: ComponentState.DEGRADED,
    Severity.LOW: ComponentState.OPERATIONAL,
}
INDICATOR: dict[str, str] = {
    ComponentState.OUTAGE: "critical",
    ComponentState.DEGRADED: "major",
    ComponentState.MAINTENANCE: "maintenance",
    ComponentState.OPERATIONAL: "none",
}


@dataclass(frozen=True)
class UpdateView:
    """One update, in the reader's language unless a person wrote it (time UTC)."""

    id: UUID
    state: str
    text: str
    at: datetime

    @property
    def state_label(self) -> str:
        return str(UpdateState(self.state).label)


@dataclass(frozen=True)
class DayView:
    """One day of a component's history; `minutes_affected` of its 1440."""

    day: datetime
    minutes_affected: int


@dataclass(frozen=True)
class ComponentView:
    """One component as customers know it."""

    slug: str
    name: str
    state: str
    days: tuple[DayView, ...]

    @property
    def state_label(self) -> str:
        return str(ComponentState(self.state).label)


@dataclass(frozen=True)
class PublicIncident:
    """One incident as customers see it: no internal words, only updates."""

    id: UUID
    number: int
    component: str
    state: str
    started_at: datetime
    resolved_at: datetime | None
    updates: tuple[UpdateView, ...]

    @property
    def title(self) -> str:
        return _("Trouble with %(component)s") % {"component": self.component}

    @property
    def state_label(self) -> str:
        return str(UpdateState(self.state).label)


@dataclass(frozen=True)
class StatusPage:
    """The whole public page."""

    indicator: str
    components: tuple[ComponentView, ...]
    current: tuple[PublicIncident, ...]
    past: tuple[PublicIncident, ...]

    @property
    def sentence(self) -> str:
        """Return the one sentence that answers "is it me?"."""
        if self.indicator == "none":
            return _("Everything works. If something does not work for you, tell us.")
        troubled = ", ".join(c.name for c in self.components if c.state != ComponentState.OPERATIONAL)
        return _("It is us, not you: %(components)s. We are on it.") % {"components": troubled}


def status_page(now: datetime) -> StatusPage:
    """Return what the public sees at this moment. Four queries, whatever the number of components."""
    services = {s.slug: s.status_page.component for s in list_services() if s.status_page is not None}
    known = [i for i in recent_incidents(limit=200) if i.service in services]
    updates = _updates_of([i.id for i in known])
    # An incident is public once something was said about it.
    incidents = [i for i in known if i.id in updates]
    told = [_public(i, services[i.service], updates[i.id]) for i in incidents]
    open_ones = [i for i in incidents if i.is_open]
    components = tuple(
        ComponentView(slug, name, _component_state(slug, open_ones), _days(slug, incidents, now))
        for slug, name in services.items()
    )
    order = [ComponentState.OPERATIONAL, ComponentState.MAINTENANCE, ComponentState.DEGRADED, ComponentState.OUTAGE]
    worst = max((ComponentState(c.state) for c in components), key=order.index, default=ComponentState.OPERATIONAL)
    return StatusPage(
        indicator=INDICATOR[worst],
        components=components,
        current=tuple(p for p in told if p.resolved_at is None),
        past=tuple(p for p in told if p.resolved_at is not None)[:PAST_INCIDENTS],
    )


def updates_of(incident_id: UUID) -> tuple[UpdateView, ...]:
    """Return what was published about an incident, newest first."""
    return tuple(_updates_of([incident_id]).get(incident_id, ()))


def _updates_of(incident_ids: list[UUID]) -> dict[UUID, list[UpdateView]]:
    found: dict[UUID, list[UpdateView]] = {}
    for row in StatusUpdate.objects.filter(incident_id__in=incident_ids).order_by("-published_at", "-id"):
        words = row.text if row.written_by_person else _(row.text)
        found.setdefault(row.incident_id, []).append(UpdateView(row.id, row.state, words, row.published_at))
    return found


def _public(incident: IncidentView, component: str, updates: list[UpdateView]) -> PublicIncident:
    over = incident.state in (IncidentState.RESOLVED, IncidentState.CLOSED)
    return PublicIncident(
        id=incident.id,
        number=incident.number,
        component=component,
        state=UpdateState.RESOLVED if over else updates[0].state,
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        updates=tuple(updates),
    )


def _component_state(slug: str, open_ones: list[IncidentView]) -> str:
    burning = [i for i in open_ones if i.service == slug]
    if not burning:
        return ComponentState.OPERATIONAL
    rank = list(LOOKS)
    looks = LOOKS[min((i.severity for i in burning), key=rank.index)]
    if looks == ComponentState.OUTAGE and all(i.state == IncidentState.MITIGATED for i in burning):
        # It works again and is being watched.
        return ComponentState.DEGRADED
    return looks


def _days(slug: str, incidents: list[IncidentView], now: datetime) -> tuple[DayView, ...]:
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = sorted(
        (i.started_at, i.resolved_at or now) for i in incidents if i.service == slug and i.severity != Severity.LOW
    )
    days = []
    for back in range(HISTORY_DAYS - 1, -1, -1):
        begin = today - timedelta(days=back)
        end = min(begin + timedelta(days=1), now)
        seconds = 0.0
        counted = begin
        for since, until in spans:
            # Of two incidents at once, a minute counts once.
            since, until = max(since, counted), min(until, end)
            if until > since:
                seconds += (until - since).total_seconds()
                counted = until
        days.append(DayView(begin, min(1440, -int(-seconds // 60))))
    return tuple(days)
