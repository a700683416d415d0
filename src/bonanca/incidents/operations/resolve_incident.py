"""It is over for its users."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.access.actors import Actor
from bonanca.catalog.spec import HOURS_MOST
from bonanca.incidents.events import IncidentResolved
from bonanca.incidents.operations.move import load, move
from bonanca.incidents.queries import IncidentView, hours_of_watch
from bonanca.incidents.state import IncidentState
from bonanca.kernel.errors import Invalid

RESOLVED = gettext_noop("Resolved: %(reason)s")


def resolve_incident(
    incident_id: UUID, *, reason: str = "", watch_for_h: float | None = None, actor: Actor, now: datetime
) -> IncidentView:
    """Record that the incident is over; the deadlines of its post-mortem count from here (C2).

    `watch_for_h`: for how many hours its service is looked at closer (T9); 0 for none, None for what the service
    declares for this severity.

    Raises:
        IncidentNotFound: there is none.
        NotAllowed: the actor may not act on its service.
        Invalid: the hours cannot be accepted.
        WrongState: it is not in a state that leads there.
    """
    found = load(incident_id, actor)
    wanted = hours_of_watch(found.service, found.severity) if watch_for_h is None else watch_for_h
    if not 0 <= wanted <= HOURS_MOST:
        raise Invalid(
            _("A watch lasts from 0 (none) to %(most)g hours (got %(given)g).") % {"most": HOURS_MOST, "given": wanted},
            field="watch_for_h",
        )
    return move(
        incident_id,
        to=IncidentState.RESOLVED,
        event=IncidentResolved,
        text=RESOLVED,
        facts={"reason": reason},
        stamps={"resolved_at": now},
        told={"watch_for_h": wanted},
        actor=actor,
        now=now,
    )
