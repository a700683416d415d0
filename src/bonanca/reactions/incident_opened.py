"""Somebody is woken, the suspects are named, the public is told."""

from __future__ import annotations

from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.comms.operations.publish_update import INVESTIGATING, publish_update
from bonanca.delivery.queries import suspects_for
from bonanca.incidents.events import IncidentOpened
from bonanca.incidents.operations.set_suspects import set_suspects
from bonanca.oncall.operations.page import page
from bonanca.outbox.registry import reaction
from bonanca.ui.phrases import phrase_of


@reaction(IncidentOpened, "page_on_call")
def page_on_call(event: IncidentOpened, now: datetime) -> None:
    """Wake the person on call of the service's team."""
    page(
        incident_id=event.incident_id,
        number=event.number,
        title=phrase_of(event.title, event.title_phrase),
        severity=event.severity,
        team=event.team,
        actor=SYSTEM("oncall"),
        now=now,
    )


@reaction(IncidentOpened, "name_suspects")
def name_suspects(event: IncidentOpened, now: datetime) -> None:
    """Rank the changes that came shortly before."""
    set_suspects(event.incident_id, suspects_for(event.service, event.started_at), actor=SYSTEM("delivery"), now=now)


@reaction(IncidentOpened, "tell_status_page")
def tell_status_page(event: IncidentOpened, now: datetime) -> None:
    """Customers read that we know."""
    publish_update(
        event.incident_id,
        state="investigating",
        text=INVESTIGATING,
        key="opened",
        actor=SYSTEM("comms"),
        now=now,
    )
