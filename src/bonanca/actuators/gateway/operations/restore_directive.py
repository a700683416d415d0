"""Put back what was lifted: the undo of letting visitors in."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.actuators.gateway.events import DirectivePut
from bonanca.actuators.gateway.models import Directive
from bonanca.actuators.gateway.operations.put_directive import InvalidDirective
from bonanca.actuators.gateway.operations.turn import next_version, note, take_turn
from bonanca.actuators.gateway.queries import DirectiveView, get_directive, view
from bonanca.actuators.gateway.wire import utc
from bonanca.durable.context import FenceToken
from bonanca.outbox.operations.publish import publish


@transaction.atomic
def restore_directive(
    *, key: str, expires_at: datetime, now: datetime, actor: Actor | None = None, fence: FenceToken | None = None
) -> DirectiveView:
    """Make the directive of `key` hold again until `expires_at`; one that holds stays as it is.

    Raises:
        DirectiveNotFound: nothing was put under this key.
        InvalidDirective: `expires_at` is not in the future.
        Fenced: the plan has moved on.
    """
    if expires_at <= now:
        raise InvalidDirective(_("A containment must end in the future."), field="expires_at")
    known = get_directive(key)
    row = take_turn(known.gateway, fence)
    ended = Directive.objects.filter(key=key).filter(Q(lifted_at__isnull=False) | Q(expires_at__lte=now))
    changes = {"lifted_at": None, "lifted_by": "", "expired_at": None, "applied_at": None}
    if ended.update(expires_at=utc(expires_at), **changes):
        version = next_version(row)
        Directive.objects.filter(key=key).update(version=version)
        facts = {"key": key, "service": known.service, "match": known.match, "version": version}
        note(known.gateway, "gateway.directive.restored", facts, actor=actor, now=now)
        publish(DirectivePut(key, known.gateway, known.service, known.kind, known.match, utc(expires_at), now), now=now)
    return view(Directive.objects.get(key=key))
