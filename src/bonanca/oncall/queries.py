"""Who is on call, and who was paged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bonanca.catalog.queries import get_team
from bonanca.oncall.models import Page


@dataclass(frozen=True)
class OnCallPerson:
    email: str
    name: str
    locale: str
    time_zone: str


@dataclass(frozen=True)
class PageView:
    """One page: when it was asked for, accepted by the mail server, answered (UTC)."""

    id: UUID
    incident_id: UUID
    email: str
    name: str
    created_at: datetime
    delivered_at: datetime | None
    acknowledged_at: datetime | None


def who_is_on_call(team: str, now: datetime) -> OnCallPerson | None:
    """Return the person whom a page of the team reaches first; None when nobody is declared.

    `now` is there for schedules: the answer depends on the time.

    Raises:
        NotFound: the catalog has no such team.
    """
    declared = get_team(team)
    members = {m.email.lower(): m for m in declared.members}
    for email in declared.on_call:
        member = members.get(email.lower())
        if member is not None:
            return OnCallPerson(member.email, member.name, member.locale, member.time_zone)
    return None


def view(page: Page) -> PageView:
    """Return the model as a frozen value."""
    return PageView(**{name: getattr(page, name) for name in PageView.__dataclass_fields__})


def pages_of(incident_id: UUID) -> tuple[PageView, ...]:
    """Return who was paged about an incident, in order."""
    return tuple(view(p) for p in Page.objects.filter(incident_id=incident_id).order_by("created_at"))
