"""Let requests through again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.permissions import Permission, require
from bonanca.actuators.gateway.operations.lift_directive import lift_directive
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, NotFound
from bonanca.outbox.operations.publish import publish
from bonanca.response.events import ContainmentLifted
from bonanca.response.models import Containment
from bonanca.response.queries import ContainmentView, containment_view
from bonanca.response.state import ContainmentState


class ContainmentEnded(Conflict):
    """It was lifted or has expired already."""


def undo_containment(containment_id: UUID, *, actor: Actor, now: datetime) -> ContainmentView:
    """Lift a containment before its time.

    Raises:
        NotFound: there is no such containment.
        NotAllowed: the actor may not act on the affected service.
        ContainmentEnded: it is over already.
    """
    row = Containment.objects.filter(id=containment_id).first()
    if row is None:
        raise NotFound(_("There is no such containment."))
    require(actor, Permission.RESPOND, team=row.team)
    if not _end(row, ContainmentState.LIFTED, actor, now):
        raise ContainmentEnded(_("This containment is over already."))
    row.refresh_from_db()
    return containment_view(row)


def expire_containments(now: datetime) -> int:
    """Record the containments whose time is over (the gateway has ended them by itself); return how many."""
    ended = 0
    for row in Containment.objects.filter(state=ContainmentState.ACTIVE, expires_at__lte=now):
        ended += _end(row, ContainmentState.EXPIRED, SYSTEM("gateway"), now)
    return ended


@transaction.atomic
def _end(row: Containment, to: ContainmentState, actor: Actor, now: datetime) -> bool:
    moved = Containment.objects.filter(id=row.id, state=ContainmentState.ACTIVE).update(
        state=to, ended_at=now, ended_by=actor.label
    )
    if not moved:
        return False
    lift_directive(key=f"containment:{row.id}", now=now)
    audit.record(
        aggregate=f"incident:{row.incident_id}",
        action="response.containment.ended",
        actor=actor.label,
        facts={"containment": row.id, "how": to},
        now=now,
    )
    publish(
        ContainmentLifted(
            containment_id=row.id,
            incident_id=row.incident_id,
            service=row.service,
            action=row.action,
            match=row.match,
            actor=actor.shown_name,
            expired=to == ContainmentState.EXPIRED,
            at=now,
            by_recovery=actor.kind == "system" and to == ContainmentState.LIFTED,
        ),
        now=now,
    )
    return True
