"""What a gateway should do, does, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.gateway import wire
from bonanca.actuators.gateway.models import Directive, Gateway, Route
from bonanca.kernel.errors import NotFound

# An agent reports every 5 s; three times nothing is silence.
SILENT_AFTER = timedelta(seconds=16)


class DirectiveNotFound(NotFound):
    """No directive was ever put under this key."""


@dataclass(frozen=True)
class ShareView:
    """A part of a service's requests, by weight, and the addresses that answer it."""

    weight: int
    backends: tuple[str, ...]


@dataclass(frozen=True)
class DirectiveView:
    """One containment. `version` is the desired state's that holds it; `applied_at` is when the gateway had it live."""

    id: UUID
    key: str
    gateway: str
    service: str
    kind: str
    match: str | None
    message: str
    retry_after_s: int
    version: int
    put_at: datetime
    put_by: str
    applied_at: datetime | None
    expires_at: datetime
    lifted_at: datetime | None
    lifted_by: str
    shares: tuple[ShareView, ...] = ()

    def active(self, now: datetime) -> bool:
        """Tell whether visitors should get its page at `now`."""
        return self.lifted_at is None and self.expires_at > now


@dataclass(frozen=True)
class GatewayView:
    """One gateway: what is wanted (`version`), what its agent reports, and whether it reported lately (`alive`)."""

    name: str
    version: int
    applied_version: int | None
    applied_at: datetime | None
    reported_at: datetime | None
    alive: bool
    entry_url: str
    metrics_url: str
    host: str
    refused: str

    def caught_up(self, version: int | None = None) -> bool:
        """Tell whether what is live is at least `version` (default: the newest)."""
        return self.applied_version is not None and self.applied_version >= (version or self.version)


_KINDS: dict[str, wire.Kind] = {kind: kind for kind in get_args(wire.Kind)}


def desired_state(gateway: str, *, now: datetime | None = None) -> wire.Desired:
    """Return all that the gateway should do (nothing, version 0, for one that nobody asked anything of).

    `now` leaves out directives that have expired by then; without it the agent, which ends them itself, does.
    """
    # The version first: a change in between then shows as a newer version at the next question, never as an older one.
    version = current_version(gateway)
    standing = Directive.objects.filter(gateway=gateway, lifted_at__isnull=True, expired_at__isnull=True)
    if now is not None:
        standing = standing.filter(expires_at__gt=now)
    return wire.Desired(
        gateway=gateway,
        version=version,
        routes=tuple(_route(r) for r in Route.objects.filter(gateway=gateway).order_by("service", "position")),
        directives=tuple(
            wire.Directive(
                key=d.key,
                service=d.service,
                kind=_KINDS[d.kind],
                message=d.message,
                retry_after_s=d.retry_after_s,
                expires_at=d.expires_at,
                match=d.match,
                backends=tuple(wire.Backend(url) for url in d.backends),
                shares=tuple(_share(share["weight"], share["backends"]) for share in d.shares),
                threshold_percent=d.threshold_percent,
            )
            for d in standing.order_by("put_at", "id")
        ),
    )


def current_version(gateway: str) -> int:
    """Return the version of what is wanted: one look-up by primary key."""
    return Gateway.objects.filter(name=gateway).values_list("version", flat=True).first() or 0


def applied_version(gateway: str) -> int | None:
    """Return the version that the agent last reported live, None when none ever did."""
    return Gateway.objects.filter(name=gateway).values_list("applied_version", flat=True).first()


def get_gateway(gateway: str, *, now: datetime) -> GatewayView:
    """Return the gateway's view; one that nobody has heard of is version 0 and not alive."""
    return _gateway(Gateway.objects.filter(name=gateway).first() or Gateway(name=gateway), now)


def gateways(*, now: datetime) -> tuple[GatewayView, ...]:
    """Return every gateway by name."""
    return tuple(_gateway(g, now) for g in Gateway.objects.order_by("name"))


def metrics_url(gateway: str) -> str | None:
    """Return where the gateway's counters are read, None before its agent has reported."""
    return Gateway.objects.filter(name=gateway).values_list("metrics_url", flat=True).first() or None


def entry_url(gateway: str) -> str | None:
    """Return where visitors reach the gateway, None before its agent has reported."""
    return Gateway.objects.filter(name=gateway).values_list("entry_url", flat=True).first() or None


def get_directive(key: str) -> DirectiveView:
    """Return what was put under `key`, active or not.

    Raises:
        DirectiveNotFound: nothing was.
    """
    found = Directive.objects.filter(key=key).first()
    if found is None:
        raise DirectiveNotFound(_("There is no containment %(key)s at any gateway.") % {"key": key})
    return view(found)


def find_directive(key: str) -> DirectiveView | None:
    """Return what was put under `key`, None when nothing was."""
    found = Directive.objects.filter(key=key).first()
    return view(found) if found is not None else None


def active_directives(
    gateway: str | None = None, *, service: str | None = None, now: datetime
) -> tuple[DirectiveView, ...]:
    """Return the containments that hold at `now`, oldest first."""
    found = Directive.objects.filter(lifted_at__isnull=True, expired_at__isnull=True, expires_at__gt=now)
    if gateway is not None:
        found = found.filter(gateway=gateway)
    if service is not None:
        found = found.filter(service=service)
    return tuple(view(d) for d in found.order_by("put_at", "id"))


def routes(gateway: str, *, service: str | None = None) -> tuple[wire.Route, ...]:
    """Return the gateway's routes, of one service or of all."""
    found = Route.objects.filter(gateway=gateway)
    if service is not None:
        found = found.filter(service=service)
    return tuple(_route(r) for r in found.order_by("service", "position"))


def view(row: Directive) -> DirectiveView:
    """Freeze a row."""
    return DirectiveView(
        id=row.id,
        key=row.key,
        gateway=row.gateway,
        service=row.service,
        kind=row.kind,
        match=row.match,
        message=row.message,
        retry_after_s=row.retry_after_s,
        version=row.version,
        put_at=row.put_at,
        put_by=row.put_by,
        applied_at=row.applied_at,
        expires_at=row.expires_at,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        shares=tuple(ShareView(share["weight"], tuple(share["backends"])) for share in row.shares),
    )


def _share(weight: int, backends: list[str]) -> wire.Share:
    return wire.Share(weight, tuple(wire.Backend(url) for url in backends))


def _route(row: Route) -> wire.Route:
    return wire.Route(
        service=row.service,
        path_prefix=row.path_prefix,
        backends=tuple(wire.Backend(url) for url in row.backends),
        host=row.host or None,
        health_path=row.health_path,
    )


def _gateway(row: Gateway, now: datetime) -> GatewayView:
    return GatewayView(
        name=row.name,
        version=row.version,
        applied_version=row.applied_version,
        applied_at=row.applied_at,
        reported_at=row.reported_at,
        alive=row.reported_at is not None and now - row.reported_at < SILENT_AFTER,
        entry_url=row.entry_url,
        metrics_url=row.metrics_url,
        host=row.host,
        refused=row.refused,
    )
