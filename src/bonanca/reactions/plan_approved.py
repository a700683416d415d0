"""A person has decided."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.response.events import PlanApproved

APPROVED = gettext_noop("%(actor)s approved: %(title)s")


@reaction(PlanApproved, "tell_timeline")
def tell_timeline(event: PlanApproved, now: datetime) -> None:
    """Say who approved what."""
    if event.incident_id is not None:
        record_timeline(
            event.incident_id,
            kind=EntryKind.DECISION,
            text=APPROVED,
            facts={"actor": event.actor, "title": event.title_phrase or event.title, "plan_id": str(event.plan_id)},
            key=f"plan:{event.plan_id}:approved",
            at=event.at,
            actor=SYSTEM("response"),
            now=now,
        )
