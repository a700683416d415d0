"""Let visitors in again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.actuators.gateway.events import DirectiveLifted
from bonanca.actuators.gateway.models import Directive
from bonanca.actuators.gateway.operations.turn import next_version, note, take_turn
from bonanca.actuators.gateway.queries import DirectiveView, get_directive, view
from bonanca.durable.context import FenceToken
from bonanca.outbox.operations.publish import publish


@transaction.atomic
def lift_directive(
    *, key: str, now: datetime, actor: Actor | None = None, fence: FenceToken | None = None
) -> DirectiveView:
    """End the directive before its time; one that has ended already stays as it is.

    The view's `version` is the one from which on visitors are let in.

    Raises:
        DirectiveNotFound: nothing was put under this key.
        Fenced: the plan has moved on.
    """
    known = get_directive(key)
    row = take_turn(known.gateway, fence)
    standing = Directive.objects.filter(key=key, lifted_at__isnull=True, expired_at__isnull=True)
    if standing.update(lifted_at=now):
        version = next_version(row)
        facts = {"key": key, "service": known.service, "match": known.match, "version": version}
        who = note(known.gateway, "gateway.directive.lifted", facts, actor=actor, now=now)
        Directive.objects.filter(key=key).update(lifted_by=who, version=version)
        publish(DirectiveLifted(key, known.gateway, known.service, known.match, now), now=now)
    return view(Directive.objects.get(key=key))
