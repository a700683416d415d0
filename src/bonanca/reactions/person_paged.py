"""Who was paged when is evidence."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.oncall.events import NobodyOnCall, PageDelivered, PersonPaged
from bonanca.outbox.registry import reaction

PAGED = gettext_noop("%(name)s is paged by e-mail")
DELIVERED = gettext_noop("The page to %(name)s was accepted by the mail server")
NOBODY = gettext_noop("Nobody of the team %(team)s is on call: nobody was paged")


@reaction(PersonPaged, "tell_timeline")
def tell_paged(event: PersonPaged, now: datetime) -> None:
    """Say so on the timeline."""
    _tell(event.incident_id, PAGED, {"name": event.name}, f"page:{event.page_id}", event.at, now)


@reaction(PageDelivered, "tell_timeline")
def tell_delivered(event: PageDelivered, now: datetime) -> None:
    """Say so on the timeline."""
    _tell(event.incident_id, DELIVERED, {"name": event.name}, f"page:{event.page_id}:delivered", event.at, now)


@reaction(NobodyOnCall, "tell_timeline")
def tell_nobody(event: NobodyOnCall, now: datetime) -> None:
    """Say so on the timeline, where it hurts."""
    _tell(event.incident_id, NOBODY, {"team": event.team}, f"nobody:{event.team}", now, now)


def _tell(incident_id: UUID, text: str, facts: dict[str, str], key: str, at: datetime, now: datetime) -> None:
    record_timeline(
        incident_id, kind=EntryKind.MESSAGE, text=text, facts=facts, key=key, at=at, actor=SYSTEM("oncall"), now=now
    )
