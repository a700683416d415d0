"""Take a service, or a part of it, out at the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.actuators.gateway import wire
from bonanca.actuators.gateway.events import DirectivePut
from bonanca.actuators.gateway.models import Directive
from bonanca.actuators.gateway.operations.turn import next_version, note, take_turn
from bonanca.actuators.gateway.queries import DirectiveView, view
from bonanca.durable.context import FenceToken
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.outbox.operations.publish import publish


class DirectiveKeyTaken(Conflict):
    """Another containment was put under this key."""


class InvalidDirective(Invalid):
    """A containment that no gateway could apply."""


@transaction.atomic
def put_directive(
    *,
    key: str,
    gateway: str,
    service: str,
    kind: wire.Kind,
    match: str | None = None,
    message: str = "",
    retry_after_s: int = 30,
    backends: Sequence[str] = (),
    shares: Sequence[wire.Share] = (),
    threshold_percent: int = 0,
    expires_at: datetime,
    now: datetime,
    actor: Actor | None = None,
    fence: FenceToken | None = None,
) -> DirectiveView:
    """Have the gateway answer the service's requests under `match` (all when None) with the polite page.

    A `redirect` has `backends` (addresses) answer all of them instead, `weights` divide them among `shares`, and a
    `breaker` opens at `threshold_percent` failed answers.

    Under the same `key` there is one directive for ever: putting it again returns it as it is by now, ended or not.
    Whether the actor may is the caller's to check.

    Raises:
        InvalidDirective: a path, message or time that cannot be applied.
        DirectiveKeyTaken: the key belongs to another place.
        Fenced: the plan has moved on.
    """
    there, ends = tuple(wire.Backend(url) for url in backends), wire.utc(expires_at)
    spec = wire.Directive(
        key, service, kind, message, retry_after_s, ends, match, there, tuple(shares), threshold_percent
    )
    _refuse(spec, gateway)
    row = take_turn(gateway, fence)
    known = Directive.objects.filter(key=key).first()
    if known is not None:
        if (known.gateway, known.service, known.kind, known.match) != (gateway, service, kind, match):
            raise DirectiveKeyTaken(_("The key %(key)s belongs to another containment.") % {"key": key}, field="key")
        return view(known)
    if expires_at <= now:
        raise InvalidDirective(_("A containment must end in the future."), field="expires_at")
    version = next_version(row)
    place = {"key": key, "service": service, "kind": kind, "match": match}
    facts = {**place, **_details(spec), "expires_at": spec.expires_at.isoformat(), "version": version}
    who = note(gateway, "gateway.directive.put", facts, actor=actor, now=now)
    made = Directive.objects.create(
        **place,
        **_details(spec),
        gateway=gateway,
        version=version,
        put_at=now,
        put_by=who,
        expires_at=spec.expires_at,
    )
    publish(DirectivePut(key, gateway, service, kind, match, spec.expires_at, now), now=now)
    return view(made)


def _refuse(spec: wire.Directive, gateway: str) -> None:
    fault = wire.slug_fault(gateway) or wire.directive_fault(spec)
    if spec.kind not in get_args(wire.Kind):
        fault = f"kind must be one of {', '.join(get_args(wire.Kind))} (got '{spec.kind}')"
    if fault:
        raise InvalidDirective(_("Containment refused: %(fault)s") % {"fault": fault})


def _details(spec: wire.Directive) -> dict[str, Any]:
    return {
        "message": spec.message,
        "retry_after_s": spec.retry_after_s,
        "backends": [backend.url for backend in spec.backends],
        "shares": [{"weight": share.weight, "backends": [b.url for b in share.backends]} for share in spec.shares],
        "threshold_percent": spec.threshold_percent,
    }
