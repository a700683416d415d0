"""Requests go through again."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.operations.reopen_incident import reopen_incident
from bonanca.incidents.queries import get_incident
from bonanca.incidents.state import EntryKind, IncidentState
from bonanca.outbox.registry import reaction
from bonanca.response.events import ContainmentLifted
from bonanca.response.queries import containments_of

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


@reaction(ContainmentLifted, "burn_again")
def burn_again(event: ContainmentLifted, now: datetime) -> None:
    """An incident whose last containment has ended before its recovery is not contained any more."""
    if event.by_recovery or any(c.is_active for c in containments_of(event.incident_id)):
        return
    if get_incident(event.incident_id).state == IncidentState.CONTAINED:
        reason = _("nothing is contained any more")
        reopen_incident(event.incident_id, reason=reason, actor=SYSTEM("response"), now=now)
