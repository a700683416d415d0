"""Read the catalog as it was applied last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from bonanca.access.queries import PersonView
from bonanca.access.queries import people as accounts
from bonanca.catalog.models import Dependency, Service, Team
from bonanca.catalog.spec import ServiceView, SloSpec, from_json
from bonanca.kernel.errors import NotFound

__all__ = [
    "EnvironmentView",
    "PersonView",
    "ServiceShape",
    "ServiceView",
    "TeamView",
    "dependents_of",
    "drift",
    "environment",
    "find_slo",
    "get_service",
    "get_team",
    "list_services",
    "list_teams",
    "people",
    "service_changed_at",
    "services_of_team",
    "team_members",
]


@dataclass(frozen=True)
class TeamView:
    """A team with its people by name; `on_call` are e-mails, the first is paged first."""

    slug: str
    name: str
    on_call: tuple[str, ...]
    members: tuple[PersonView, ...]


@dataclass(frozen=True)
class ServiceShape:
    """What must be alike between environments, whatever the sizes and addresses (D1)."""

    slug: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class EnvironmentView:
    """An environment and the shape of each of its services."""

    slug: str
    services: tuple[ServiceShape, ...]


def get_service(slug: str) -> ServiceView:
    """The declared service.

    Raises:
        NotFound: no active service has this slug.
    """
    row = Service.objects.filter(slug=slug, active=True).first()
    if row is None:
        raise NotFound(
            _("There is no service %(slug)s in the catalog.") % {"slug": slug},
            field="service",
            hint=_(
                "`bonanca service list` names them. A new one: declare it in bonanca.yaml, then `bonanca apply` it."
            ),
        )
    return from_json(row.spec)


def list_services() -> tuple[ServiceView, ...]:
    """Every active service, critical ones first, then by slug."""
    return _views(Service.objects.filter(active=True))


def services_of_team(team: str) -> tuple[ServiceView, ...]:
    """The team's active services, critical ones first."""
    return _views(Service.objects.filter(active=True, team__slug=team))


def _views(rows: Iterable[Service]) -> tuple[ServiceView, ...]:
    return tuple(sorted((from_json(row.spec) for row in rows), key=lambda view: (not view.critical, view.slug)))


def service_changed_at(slug: str) -> datetime | None:
    """When the declaration of the service was changed last; None for an unknown one."""
    return Service.objects.filter(slug=slug).values_list("changed_at", flat=True).first()


def dependents_of(slug: str) -> tuple[str, ...]:
    """Slugs of the active services that need this one directly."""
    needed_by = Dependency.objects.filter(needed__slug=slug, service__active=True)
    return tuple(needed_by.order_by("service__slug").values_list("service__slug", flat=True))


def find_slo(slug: str) -> tuple[ServiceView, SloSpec]:
    """The SLO of that slug, with its service.

    Raises:
        NotFound: no active service declares it.
    """
    for service in list_services():
        for slo in service.slos:
            if slo.slug == slug:
                return service, slo
    raise NotFound(_("There is no SLO %(slug)s in the catalog.") % {"slug": slug}, field="slo")


def get_team(slug: str) -> TeamView:
    """The declared team.

    Raises:
        NotFound: no active team has this slug.
    """
    row = Team.objects.filter(slug=slug, active=True).first()
    if row is None:
        raise NotFound(_("There is no team %(slug)s in the catalog.") % {"slug": slug}, field="team")
    return TeamView(row.slug, row.name, tuple(row.on_call), accounts(team=slug))


def list_teams() -> tuple[TeamView, ...]:
    """Every active team by slug."""
    everybody = accounts()
    return tuple(
        TeamView(row.slug, row.name, tuple(row.on_call), tuple(p for p in everybody if row.slug in p.teams))
        for row in Team.objects.filter(active=True).order_by("slug")
    )


def team_members(slug: str) -> tuple[PersonView, ...]:
    """The people of a team by name; nobody for an unknown one."""
    return accounts(team=slug)


def people() -> tuple[PersonView, ...]:
    """Everybody with an account, by name."""
    return accounts()


def environment(slug: str) -> EnvironmentView:
    """The environment's services and the shape of each; an empty one for an environment without services."""
    rows = Service.objects.filter(active=True, environment_id=slug).order_by("slug")
    shapes = tuple(ServiceShape(row.slug, _parts(from_json(row.spec))) for row in rows)
    return EnvironmentView(slug, shapes)


def drift(one: str, other: str) -> tuple[str, ...]:
    """Parts that services of environment `one` have and those of `other` lack, or the other way round (D1).

    Services are paired by slug without the environment's name as a suffix: `loja` and `loja-development`.
    """
    first, second = (_by_common_name(environment(slug)) for slug in (one, other))
    found = []
    for name in sorted(first.keys() | second.keys()):
        for here, parts, others in ((one, first, second), (other, second, first)):
            if name not in others:
                found.append(f"{name}: {here}")
            else:
                found += [f"{name}.{part}: {here}" for part in parts.get(name, ()) if part not in others[name]]
    return tuple(found)


def _by_common_name(view: EnvironmentView) -> dict[str, tuple[str, ...]]:
    return {shape.slug.removesuffix(f"-{view.slug}"): shape.parts for shape in view.services}


def _parts(service: ServiceView) -> tuple[str, ...]:
    parts = [
        name
        for name in ("gateway", "repository", "run", "config", "migrate", "replay", "database", "backup", "status_page")
        if getattr(service, name)
    ]
    parts += [f"verify:{check.name}" for check in service.verify]
    if service.run is not None:
        parts += [f"env:{name}" for name in service.run.env]
    return tuple(sorted(parts))
