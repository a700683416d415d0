"""What a containment does at the gateway beside closing doors: who answers instead, in which shares, and a breaker."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bonanca.actuators.gateway.wire import WEIGHT_MAX, Backend, Share
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import Invalid
from bonanca.response.state import ContainmentAction

REPLICAS, STANDBY = "replicas", "standby"
_PART = re.compile(r"([a-z0-9.\-\[\]:]{1,260})=([0-9]{1,4})\Z")
THRESHOLD_PERCENT = 50
MAX_WEIGHTS = 300


@dataclass(frozen=True)
class Measure:
    """What a directive of the gateway needs beside its place; `detail` says it to people."""

    backends: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    threshold_percent: int = 0
    detail: str = ""


def measure_of(service: ServiceView, action: str, *, weights: str = "", threshold_percent: int = 0) -> Measure:
    """Return what `action` needs.

    Raises:
        Invalid: the service has nowhere to redirect to, or weights or threshold cannot be accepted.
    """
    if weights.strip() and action != ContainmentAction.WEIGHTS:
        raise Invalid(_("Only sharing out by weight takes weights."), field="weights")
    if action == ContainmentAction.REDIRECT:
        return Measure(backends=_standby(service, "action"))
    if action == ContainmentAction.WEIGHTS:
        return Measure(shares=shares_of(service, weights), detail=shown(weights))
    if action == ContainmentAction.BREAKER:
        threshold = threshold_percent or THRESHOLD_PERCENT
        if not 1 <= threshold <= 99:
            raise Invalid(
                _("A breaker opens at 1 to 99 percent of failed answers (got %(given)s).") % {"given": threshold},
                field="threshold_percent",
            )
        return Measure(threshold_percent=threshold, detail=f"{threshold} %")
    return Measure()


def shown(weights: str) -> str:
    """Return weights as they are shown: one way to write the same."""
    return ", ".join(weights.replace(",", " ").split())


def shares_of(service: ServiceView, text: str) -> tuple[Share, ...]:
    """Read `NAME=WEIGHT` parts, separated by spaces or commas.

    NAME is the port (or host:port) of a replica, `replicas` for all of them together, or `standby` for the redundant
    site. What is not named gets nothing.

    Raises:
        Invalid: a part cannot be read, names nothing of the service or something twice, or nobody would get requests.
    """
    if len(shown(text)) > MAX_WEIGHTS:
        raise Invalid(_("Weights have at most %(limit)d characters.") % {"limit": MAX_WEIGHTS}, field="weights")
    parts: dict[str, Share] = {}
    taken: set[str] = set()
    for part in text.replace(",", " ").split():
        found = _PART.match(part)
        if found is None or int(found[2]) > WEIGHT_MAX:
            raise Invalid(
                _("“%(part)s” is no weight: write such as replicas=90 standby=10, or 8001=3 8002=1 for replicas.")
                % {"part": part[:80]},
                field="weights",
            )
        backends = _backends(service, found[1])
        if taken & set(backends):
            raise Invalid(_("“%(name)s” is named twice.") % {"name": found[1]}, field="weights")
        taken |= set(backends)
        parts[found[1]] = Share(int(found[2]), tuple(Backend(url) for url in backends))
    if not any(share.weight for share in parts.values()):
        raise Invalid(
            _("Say who gets how much, such as replicas=90 standby=10. What is not named gets nothing."),
            field="weights",
        )
    return tuple(parts.values())


def _backends(service: ServiceView, name: str) -> tuple[str, ...]:
    if name == STANDBY:
        return _standby(service, "weights")
    replicas = service.run.replicas if service.run else ()
    if name == REPLICAS and replicas:
        return tuple(replica.url for replica in replicas)
    for replica in replicas:
        if name in (str(replica.port), f"{replica.host}:{replica.port}"):
            return (replica.url,)
    raise Invalid(
        _("%(service)s has no replica “%(name)s”. It has: %(known)s.")
        % {
            "service": service.slug,
            "name": name,
            "known": ", ".join(f"{r.host}:{r.port}" for r in replicas) or "–",
        },
        field="weights",
    )


def _standby(service: ServiceView, field: str) -> tuple[str, ...]:
    if service.gateway is None or not service.gateway.standby:
        raise Invalid(
            _("%(service)s declares no redundant site: there is nowhere to redirect to.") % {"service": service.slug},
            field=field,
            hint=_("Declare its addresses as `gateway.standby`."),
        )
    return service.gateway.standby
