"""Requests go through again."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.response.events import ContainmentLifted

LIFTED = gettext_noop("%(actor)s lifted the containment of %(what)s")
EXPIRED = gettext_noop("The containment of %(what)s has expired")


@reaction(ContainmentLifted, "tell_timeline")
def tell_timeline(event: ContainmentLifted, now: datetime) -> None:
    """Say how it ended."""
    record_timeline(
        event.incident_id,
        kind=EntryKind.ACTION,
        text=EXPIRED if event.expired else LIFTED,
        facts={"actor": event.actor, "what": event.match or event.service},
        key=f"containment:{event.containment_id}:ended",
        at=event.at,
        actor=SYSTEM("response"),
        now=now,
    )
