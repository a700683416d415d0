"""The damage no longer spreads."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.comms.operations.publish_update import IDENTIFIED, publish_update
from bonanca.incidents.operations.mark_contained import mark_contained
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.queries import get_incident
from bonanca.incidents.state import TRANSITIONS, EntryKind, IncidentState
from bonanca.outbox.registry import reaction
from bonanca.response.events import ContainmentApplied

APPLIED = gettext_noop("%(actor)s took %(match)s out at the gateway for %(minutes)s min: %(reason)s")
WHOLE = gettext_noop("%(actor)s put the whole service into maintenance for %(minutes)s min: %(reason)s")
REDIRECTED = gettext_noop("%(actor)s sent all requests to the redundant site for %(minutes)s min: %(reason)s")
SHARED = gettext_noop("%(actor)s shared requests out by weight (%(detail)s) for %(minutes)s min: %(reason)s")
BROKEN = gettext_noop("%(actor)s put a circuit breaker (%(detail)s) on %(match)s for %(minutes)s min: %(reason)s")
_WORDS = {"redirect": REDIRECTED, "weights": SHARED, "breaker": BROKEN}


@reaction(ContainmentApplied, "tell_timeline")
def tell_timeline(event: ContainmentApplied, now: datetime) -> None:
    """Say who did what, and until when."""
    record_timeline(
        event.incident_id,
        kind=EntryKind.ACTION,
        text=_WORDS.get(event.action) or (APPLIED if event.match else WHOLE),
        facts={
            "actor": event.actor,
            "match": event.match or event.service,
            "detail": event.detail,
            "reason": event.reason,
            "minutes": round((event.expires_at - event.at).total_seconds() / 60),
        },
        key=f"containment:{event.containment_id}",
        at=event.at,
        actor=SYSTEM("response"),
        now=now,
    )


@reaction(ContainmentApplied, "mark_contained")
def mark_incident_contained(event: ContainmentApplied, now: datetime) -> None:
    """The incident is contained from the moment the measure was taken."""
    if IncidentState.CONTAINED in TRANSITIONS[get_incident(event.incident_id).state]:
        mark_contained(event.incident_id, reason=event.reason, actor=SYSTEM("response"), now=now)


@reaction(ContainmentApplied, "tell_status_page")
def tell_status_page(event: ContainmentApplied, now: datetime) -> None:
    """Customers read what is switched off."""
    publish_update(
        event.incident_id,
        state="identified",
        text=IDENTIFIED,
        key=f"containment:{event.containment_id}",
        actor=SYSTEM("comms"),
        now=now,
    )
