"""What an apply would change: the declared catalog against the one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bonanca.access.queries import PersonView
from bonanca.catalog.models import Service, Team
from bonanca.catalog.queries import people
from bonanca.catalog.spec import Catalog, MemberSpec, ServiceView, TeamSpec, to_json

# Values of these paths may be secrets although they should not be in a catalog.
HIDDEN = "run.env."
LONGEST = 120


@dataclass(frozen=True)
class FieldChange:
    """One value of a thing, as text; None where it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One thing that differs. kind: team, person or service. action: add, change, remove or leave.

    `leave` is something that is in the catalog but not in the file: it stays unless the apply prunes.
    """

    action: str
    kind: str
    name: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class CatalogDiff:
    """Everything that differs, teams before people before services."""

    changes: tuple[Change, ...]

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that an apply would make."""
        return tuple(change for change in self.changes if change.action != "leave")

    def of(self, kind: str, *actions: str) -> tuple[Change, ...]:
        """The changes of one kind and of some actions."""
        return tuple(change for change in self.changes if change.kind == kind and change.action in actions)


def compare(catalog: Catalog, *, prune: bool) -> CatalogDiff:
    """Compare with the database; reads only."""
    gone = "remove" if prune else "leave"
    known = {person.email: person for person in people()}
    changes = [
        *_teams(catalog, known, gone),
        *_people(catalog, known),
        *_services(catalog, gone),
    ]
    return CatalogDiff(tuple(changes))


def _teams(catalog: Catalog, known: dict[str, PersonView], gone: str) -> Iterator[Change]:
    rows = {row.slug: row for row in Team.objects.filter(active=True)}
    for team in catalog.teams:
        members = sorted(person.email for person in known.values() if team.slug in person.teams)
        row = rows.pop(team.slug, None)
        after = _team_fields(team)
        if row is None:
            yield Change("add", "team", team.slug, tuple(_fields({}, after)))
            continue
        before = {"name": row.name, "on_call": ", ".join(row.on_call), "members": ", ".join(members)}
        fields = tuple(_fields(before, after))
        if fields:
            yield Change("change", "team", team.slug, fields)
    declared = {service.team_slug for service in catalog.services}
    for slug in sorted(rows):
        # A team of a service that stays must stay as well.
        kept = slug in declared or (gone == "leave")
        yield Change("leave" if kept else "remove", "team", slug)


def _team_fields(team: TeamSpec) -> dict[str, str]:
    members = ", ".join(sorted(member.email for member in team.members))
    return {"name": team.name, "on_call": ", ".join(team.on_call), "members": members}


def _people(catalog: Catalog, known: dict[str, PersonView]) -> Iterator[Change]:
    for member in members_of(catalog):
        person = known.get(member.email)
        if person is None:
            yield Change("add", "person", member.email, tuple(_fields({}, {"name": member.name, "role": member.role})))
            continue
        before = {"name": person.name, "role": person.role}
        # An administrator is never lowered by a file (access.operations.ensure_user).
        role = "admin" if person.role == "admin" else member.role
        fields = tuple(_fields(before, {"name": member.name, "role": role}))
        if fields:
            yield Change("change", "person", member.email, fields)


def members_of(catalog: Catalog) -> tuple[MemberSpec, ...]:
    """Every person of every team once, by e-mail."""
    found = {member.email: member for team in catalog.teams for member in team.members}
    return tuple(found[email] for email in sorted(found))


def _services(catalog: Catalog, gone: str) -> Iterator[Change]:
    rows = {row.slug: row for row in Service.objects.filter(active=True)}
    for service in catalog.services:
        row = rows.pop(service.slug, None)
        if row is None:
            yield Change("add", "service", service.slug, tuple(_fields({}, _service_fields(service))))
        elif row.digest != service.digest():
            fields = tuple(_fields(flatten(row.spec), flatten(to_json(service))))
            yield Change("change", "service", service.slug, fields)
    for slug in sorted(rows):
        yield Change(gone, "service", slug)


def _service_fields(service: ServiceView) -> dict[str, str]:
    """The few facts that a reader of a new service's diff looks for."""
    fields = {"name": service.name, "team": service.team_slug, "environment": service.environment}
    if service.run and service.run.systemd:
        fields["run.systemd.unit"] = service.run.systemd.unit
    if service.run and service.run.host:
        fields["run.host"] = service.run.host.address
    if service.run:
        if service.run.docker:
            fields["run.docker.image"] = service.run.docker.image
        fields["run.replicas"] = ", ".join(str(replica.port) for replica in service.run.replicas)
    if service.gateway:
        routes = ", ".join(f"{route.host or '*'}{route.path_prefix}" for route in service.gateway.routes)
        fields["gateway"] = f"{service.gateway.name} {routes}"
    if service.slos:
        fields["slo"] = ", ".join(f"{slo.slug} {slo.objective:g} %" for slo in service.slos)
    return fields


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Nested JSON as dotted paths to texts: `run.replicas[1].port` → `9102`."""
    if isinstance(value, dict):
        children = ((f"{path}.{key}" if path else str(key), child) for key, child in value.items())
    elif isinstance(value, (list, tuple)):
        children = ((f"{path}[{index}]", child) for index, child in enumerate(value))
    else:
        return {} if value is None or value == "" else {path: _text(value)}
    return {name: text for child_path, child in children for name, text in flatten(child, child_path).items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fields(before: dict[str, str], after: dict[str, str]) -> Iterator[FieldChange]:
    for path in [*after, *(path for path in before if path not in after)]:
        old, new = before.get(path), after.get(path)
        if (old or None) != (new or None):
            hidden = path.startswith(HIDDEN)
            yield FieldChange(path, _shown(old, hidden), _shown(new, hidden))


def _shown(text: str | None, hidden: bool) -> str | None:
    if not text:
        return None
    return "•••" if hidden else text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
