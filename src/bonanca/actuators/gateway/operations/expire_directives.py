"""Record that containments have ended by themselves. The gateway ended them on time; this tells the others."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bonanca.actuators.gateway.events import DirectiveExpired
from bonanca.actuators.gateway.models import Directive
from bonanca.actuators.gateway.operations.turn import note, take_turn
from bonanca.actuators.gateway.queries import DirectiveView, view
from bonanca.outbox.operations.publish import publish


def expire_directives(now: datetime) -> tuple[DirectiveView, ...]:
    """Mark each directive whose time is over, once, and return those."""
    due = Directive.objects.filter(lifted_at__isnull=True, expired_at__isnull=True, expires_at__lte=now)
    found = [_expire(key, now) for key in due.order_by("expires_at").values_list("key", flat=True)]
    return tuple(f for f in found if f is not None)


@transaction.atomic
def _expire(key: str, now: datetime) -> DirectiveView | None:
    row = Directive.objects.get(key=key)
    take_turn(row.gateway, None)
    standing = Directive.objects.filter(key=key, lifted_at__isnull=True, expired_at__isnull=True, expires_at__lte=now)
    if not standing.update(expired_at=now):
        return None
    row.refresh_from_db()
    facts = {"key": key, "service": row.service, "match": row.match, "expired_at": row.expires_at.isoformat()}
    note(row.gateway, "gateway.directive.expired", facts, actor=None, now=now)
    publish(DirectiveExpired(key, row.gateway, row.service, row.match, row.expires_at), now=now)
    return view(row)
