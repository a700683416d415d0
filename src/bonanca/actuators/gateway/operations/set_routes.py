"""Say where a service is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.actuators.gateway import queries
from bonanca.actuators.gateway.models import Route
from bonanca.actuators.gateway.operations.turn import next_version, note, take_turn
from bonanca.actuators.gateway.wire import Route as RouteSpec
from bonanca.actuators.gateway.wire import route_fault, slug_fault
from bonanca.durable.context import FenceToken
from bonanca.kernel.errors import Conflict, Invalid


class RouteTaken(Conflict):
    """Another service of this gateway owns the host and path."""


class InvalidRoute(Invalid):
    """A route that no gateway could serve."""


@transaction.atomic
def set_routes(
    gateway: str,
    service: str,
    routes: Iterable[RouteSpec],
    now: datetime,
    *,
    actor: Actor | None = None,
    fence: FenceToken | None = None,
) -> int:
    """Replace the service's routes at the gateway (none takes it off); return the version that holds them.

    Setting what is set already changes nothing and returns the present version. `wire.local_routes` makes routes
    to replicas of this host.

    Raises:
        InvalidRoute: a slug, host, path prefix or backend that could not be matched or reached.
        RouteTaken: another service has one of the places.
        Fenced: the plan has moved on.
    """
    wanted = tuple(routes)
    for fault in (slug_fault(gateway), slug_fault(service), *(route_fault(r) for r in wanted)):
        if fault:
            raise InvalidRoute(_("Route refused: %(fault)s") % {"fault": fault}, field="routes")
    places = [(r.host or "", r.path_prefix) for r in wanted]
    if len(set(places)) != len(places) or any(r.service != service for r in wanted):
        raise InvalidRoute(_("Every route of %(service)s needs a place of its own.") % {"service": service})
    row = take_turn(gateway, fence)
    if queries.routes(gateway, service=service) == wanted:
        return row.version
    for other in Route.objects.filter(gateway=gateway).exclude(service=service):
        if (other.host, other.path_prefix) in places:
            raise RouteTaken(
                _("%(place)s of gateway %(gateway)s belongs to %(service)s.")
                % {"place": f"{other.host or '*'}{other.path_prefix}", "gateway": gateway, "service": other.service}
            )
    Route.objects.filter(gateway=gateway, service=service).delete()
    Route.objects.bulk_create(
        Route(
            gateway=gateway,
            service=service,
            position=position,
            host=r.host or "",
            path_prefix=r.path_prefix,
            backends=[b.url for b in r.backends],
            health_path=r.health_path,
        )
        for position, r in enumerate(wanted)
    )
    version = next_version(row)
    facts = {"service": service, "version": version, "routes": [_told(r) for r in wanted]}
    note(gateway, "gateway.routes.set", facts, actor=actor, now=now)
    return version


def _told(route: RouteSpec) -> dict[str, object]:
    return {"place": f"{route.host or '*'}{route.path_prefix}", "backends": [b.url for b in route.backends]}
