"""Reads of reinforced watches."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Case, Q, When
from django.utils.translation import gettext as _

from bonanca.aftercare.models import Watch, WatchSample
from bonanca.aftercare.state import WatchState
from bonanca.aftercare.views import Finding, SampleView, WatchView
from bonanca.kernel.errors import NotFound


class WatchNotFound(NotFound):
    """There is no such watch."""


def view(row: Watch) -> WatchView:
    """Return the model as a frozen value."""
    made_here = ("findings",)
    facts = {name: getattr(row, name) for name in WatchView.__dataclass_fields__ if name not in made_here}
    findings = tuple(Finding(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in row.findings)
    return WatchView(**facts, findings=findings)


def get_watch(watch_id: UUID) -> WatchView:
    """Return a watch.

    Raises:
        WatchNotFound: there is none.
    """
    row = Watch.objects.filter(id=watch_id).first()
    if row is None:
        raise WatchNotFound(_("There is no watch %(id)s.") % {"id": watch_id})
    return view(row)


def watches(
    *, service: str | None = None, state: str | None = None, limit: int = 100, offset: int = 0
) -> tuple[WatchView, ...]:
    """Return watches: those that are on first, then newest first."""
    first = Case(When(state=WatchState.WATCHING, then=0), default=1)
    rows = Watch.objects.order_by(first, "-started_at", "-id")
    if service is not None:
        rows = rows.filter(service=service)
    if state is not None:
        rows = rows.filter(state=state)
    return tuple(view(row) for row in rows[offset : offset + limit])


def watch_of_service(service: str) -> WatchView | None:
    """Return the watch that is on for a service."""
    row = Watch.objects.filter(service=service, state=WatchState.WATCHING).first()
    return view(row) if row else None


def watches_of_incident(incident_id: UUID) -> tuple[WatchView, ...]:
    """Return the watches that followed an incident, newest first."""
    return tuple(view(row) for row in Watch.objects.filter(incident_id=incident_id).order_by("-started_at"))


def watch_of_incident(incident_id: UUID) -> WatchView | None:
    """Return the last watch that followed an incident."""
    return next(iter(watches_of_incident(incident_id)), None)


def watch_of_plan(plan_id: UUID) -> WatchView | None:
    """Return the last watch that followed a plan."""
    row = Watch.objects.filter(plan_id=plan_id).order_by("-started_at").first()
    return view(row) if row else None


def watches_to_look_at() -> tuple[WatchView, ...]:
    """Return what a worker has to look at: watches that are on, and those whose alert still burns."""
    wanted = Q(state=WatchState.WATCHING) | Q(alert_open=True)
    return tuple(view(row) for row in Watch.objects.filter(wanted).order_by("started_at"))


def samples_of(watch_id: UUID, *, limit: int | None = None) -> tuple[SampleView, ...]:
    """Return the minutes of a watch, oldest first; with `limit` only the newest ones."""
    rows = WatchSample.objects.filter(watch_id=watch_id).order_by("-at")
    names = SampleView.__dataclass_fields__
    found = [
        SampleView(**{**{name: getattr(row, name) for name in names}, "failing": tuple(row.failing)})
        for row in (rows[:limit] if limit is not None else rows)
    ]
    return tuple(reversed(found))
