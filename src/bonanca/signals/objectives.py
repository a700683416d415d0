"""The objectives that the catalog declares, as this room evaluates them. Nothing of them is kept here."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from bonanca.catalog import queries as catalog
from bonanca.kernel.errors import NotFound
from bonanca.signals.burn import BurnRule


@dataclass(frozen=True)
class CounterSource:
    """Where requests of a service are counted: the gateway's name and the service's name there."""

    gateway: str
    service: str


@dataclass(frozen=True)
class Objective:
    """A declared availability objective: `target` percent of the requests of the last `window_s` seconds are good.

    `source` is None when its events come from elsewhere than a gateway: such an objective is unknown to us so far.
    """

    slug: str
    name: str
    service: str
    service_name: str
    team: str
    target: float
    window_s: int
    source: CounterSource | None
    rules: tuple[BurnRule, ...]


def all_objectives() -> tuple[Objective, ...]:
    """Every objective of the catalog, in its order."""
    return tuple(one for service in catalog.list_services() for one in _of(service))


def objectives_of(service: str) -> tuple[Objective, ...]:
    """The objectives of one service.

    Raises:
        NotFound: the catalog has no such service.
    """
    return _of(catalog.get_service(service))


def get_objective(slug: str) -> Objective:
    """One objective by its slug.

    Raises:
        NotFound: no service declares it.
    """
    for one in all_objectives():
        if one.slug == slug:
            return one
    raise NotFound(_("There is no objective %(slug)s.") % {"slug": slug}, field="slo")


def source_of(service: str) -> CounterSource | None:
    """Where the requests of a service are counted: its own gateway, else the source of its first objective.

    Raises:
        NotFound: the catalog has no such service.
    """
    view = catalog.get_service(service)
    if view.gateway is not None:
        return CounterSource(view.gateway.name, view.slug)
    return next((one.source for one in _of(view) if one.source), None)


def gateways() -> tuple[str, ...]:
    """Every gateway whose counters matter, by name."""
    names: dict[str, None] = {}
    for service in catalog.list_services():
        if service.gateway is not None:
            names[service.gateway.name] = None
        for one in _of(service):
            if one.source is not None:
                names[one.source.gateway] = None
    return tuple(names)


def _of(service: catalog.ServiceView) -> tuple[Objective, ...]:
    return tuple(
        Objective(
            slug=slo.slug,
            name=slo.name,
            service=service.slug,
            service_name=service.name,
            team=service.team_slug,
            target=slo.objective,
            window_s=int(slo.window_s),
            source=_source(slo.source.kind, slo.source.gateway, slo.source.service, service),
            rules=tuple(
                BurnRule(str(rule.severity), float(rule.burn_rate), int(rule.long_s), max(1, int(rule.short_s)))
                for rule in slo.alerts
            ),
        )
        for slo in service.slos
    )


def _source(kind: str, gateway: str | None, name: str | None, service: catalog.ServiceView) -> CounterSource | None:
    if kind != "gateway":
        return None
    own = service.gateway.name if service.gateway else "default"
    return CounterSource(gateway or own, name or service.slug)
