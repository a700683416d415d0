"""What can only be seen with everything read: references, duplicates, cycles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.translation import gettext as _

from bonanca.catalog.documents.problems import Problems
from bonanca.catalog.spec import MemberSpec, ServiceView, TeamSpec

T = TypeVar("T")


@dataclass(frozen=True)
class Placed(Generic[T]):
    """A value and where its declaration begins."""

    value: T
    file: str
    line: int


def check_all(teams: Iterable[Placed[TeamSpec]], services: Iterable[Placed[ServiceView]], problems: Problems) -> None:
    """Note everything that is wrong between documents that are each in order by themselves."""
    teams, services = list(teams), list(services)
    _unique(((_("team '%(slug)s'") % {"slug": t.value.slug}, t) for t in teams if t.value.slug), problems)
    _unique(((_("service '%(slug)s'") % {"slug": s.value.slug}, s) for s in services if s.value.slug), problems)
    _unique(
        ((_("slo '%(slug)s'") % {"slug": slo.slug}, s) for s in services for slo in s.value.slos if slo.slug), problems
    )
    _addresses(services, problems)
    _references(teams, services, problems)
    _people(teams, problems)
    _cycles(services, problems)


def _unique(named: Iterable[tuple[str, Placed[Any]]], problems: Problems) -> None:
    seen: dict[str, Placed[Any]] = {}
    for name, place in named:
        first = seen.get(name)
        if first is None:
            seen[name] = place
        else:
            message = _("%(what)s is declared twice (first in %(file)s:%(line)d)")
            problems.add(place.file, place.line, message % {"what": name, "file": first.file, "line": first.line})


def _addresses(services: list[Placed[ServiceView]], problems: Problems) -> None:
    """Two services on one port, or behind one route, would get each other's requests."""
    taken: dict[str, str] = {}
    for place in services:
        service = place.value
        wanted = [f"{r.host}:{r.port}" for r in (service.run.replicas if service.run else ()) if r.port]
        if service.gateway:
            wanted += [f"{service.gateway.name} → {r.host or '*'}{r.path_prefix}" for r in service.gateway.routes]
        for address in wanted:
            owner = taken.get(address)
            if owner is not None:
                message = _("service '%(slug)s': %(address)s is already used by service '%(owner)s'")
                problems.add(
                    place.file, place.line, message % {"slug": service.slug, "address": address, "owner": owner}
                )
            taken.setdefault(address, service.slug)


def _references(teams: list[Placed[TeamSpec]], services: list[Placed[ServiceView]], problems: Problems) -> None:
    known_teams = {place.value.slug for place in teams}
    known = {place.value.slug for place in services}
    for place in services:
        service = place.value
        if service.team_slug and service.team_slug not in known_teams:
            problems.add(
                place.file,
                place.line,
                _("service '%(slug)s': unknown team (got '%(got)s')")
                % {"slug": service.slug, "got": service.team_slug},
                _declared(known_teams),
            )
        for name in service.depends_on:
            if name not in known:
                problems.add(
                    place.file,
                    place.line,
                    _("service '%(slug)s': depends on an unknown service (got '%(got)s')")
                    % {"slug": service.slug, "got": name},
                    _declared(known - {service.slug}),
                )


def _declared(names: set[str]) -> str:
    return _("one of those declared (%(names)s)") % {"names": ", ".join(sorted(n for n in names if n)) or _("none")}


def _people(teams: list[Placed[TeamSpec]], problems: Problems) -> None:
    """A person of two teams is one account: both teams must say the same about them."""
    seen: dict[str, tuple[str, MemberSpec]] = {}
    for place in teams:
        for member in place.value.members:
            team, first = seen.setdefault(member.email, (place.value.slug, member))
            if member.email and (first.role, first.name) != (member.role, member.name):
                message = _("member '%(email)s' differs between the teams %(one)s and %(other)s")
                values = {"email": member.email, "one": team, "other": place.value.slug}
                problems.add(place.file, place.line, message % values, _("one name and one role for a person"))


def _cycles(services: list[Placed[ServiceView]], problems: Problems) -> None:
    """Depth first with three colours; each cycle is told once, with its whole way round."""
    graph = {place.value.slug: place for place in services}
    finished: set[str] = set()
    for start in graph:
        path: list[str] = []
        stack: list[tuple[str, list[str]]] = [(start, _edges(graph, start))] if start not in finished else []
        path.extend(name for name, _left in stack)
        while stack:
            name, left = stack[-1]
            if not left:
                finished.add(name)
                stack.pop()
                path.pop()
                continue
            follower = left.pop(0)
            if follower in path:
                way = " → ".join([*path[path.index(follower) :], follower])
                place = graph[name]
                problems.add(
                    place.file, place.line, _("services depend on each other in a circle (%(way)s)") % {"way": way}
                )
            elif follower not in finished:
                stack.append((follower, _edges(graph, follower)))
                path.append(follower)


def _edges(graph: dict[str, Placed[ServiceView]], name: str) -> list[str]:
    return [other for other in graph[name].value.depends_on if other in graph]
