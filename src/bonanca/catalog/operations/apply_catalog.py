"""Make the catalog what a file declares."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from bonanca.access.actors import Actor
from bonanca.access.operations.ensure_user import ensure_user
from bonanca.access.operations.set_team_members import set_team_members
from bonanca.access.permissions import Permission, require
from bonanca.actuators.gateway.operations.set_routes import set_routes
from bonanca.actuators.gateway.wire import Backend, Route
from bonanca.catalog.diffs import CatalogDiff, Change, compare, members_of
from bonanca.catalog.events import ServiceDeclared, ServiceRemoved
from bonanca.catalog.models import Dependency, Environment, Service, Team
from bonanca.catalog.spec import Catalog, ServiceView, from_json, to_json
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish


@transaction.atomic
def apply_catalog(catalog: Catalog, *, source: str, actor: Actor, now: datetime, prune: bool = False) -> CatalogDiff:
    """Make teams, people, services and gateway routes what the catalog declares; return what that changed.

    All of it or nothing. Applying the same again changes nothing. What the catalog does not mention stays, unless
    `prune`: then such services and teams become inactive (their past stays readable) and lose their routes. People
    are never removed. `source` names the file for the audit.

    Raises:
        NotAllowed: the actor does not administer.
        Conflict, Invalid: a gateway or account refused its part (message says which); nothing was changed.
    """
    require(actor, Permission.ADMINISTER)
    with connection.cursor() as cursor:
        # Two applies one after the other: a mixture of two files is what nobody declared.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('catalog', 13))")
    diff = compare(catalog, prune=prune)
    before = {row.slug: from_json(row.spec) for row in Service.objects.filter(active=True)}
    _apply_people(catalog, diff, actor, now)
    for change in diff.of("service", "add", "change"):
        _declare(next(s for s in catalog.services if s.slug == change.name), now)
    for change in diff.of("service", "remove"):
        Service.objects.filter(slug=change.name).update(active=False, changed_at=now)
    for change in diff.of("team", "remove"):
        set_team_members(team=change.name, emails=(), actor=actor, now=now)
        Team.objects.filter(slug=change.name).update(active=False, changed_at=now)
    if diff.of("service", "add", "change", "remove"):
        _set_dependencies()
    _set_routes(before, actor, now)
    for change in diff.pending:
        _tell(change, source, actor, now)
    return diff


def _apply_people(catalog: Catalog, diff: CatalogDiff, actor: Actor, now: datetime) -> None:
    changed = {change.name for change in diff.of("person", "add", "change")}
    for member in members_of(catalog):
        if member.email in changed:
            ensure_user(
                email=member.email,
                name=member.name,
                role=member.role,
                locale=member.locale,
                time_zone=member.time_zone,
                actor=actor,
                now=now,
            )
    touched = {change.name for change in diff.of("team", "add", "change")}
    for team in catalog.teams:
        if team.slug in touched:
            values = {"name": team.name, "on_call": list(team.on_call), "active": True, "changed_at": now}
            Team.objects.update_or_create(slug=team.slug, defaults=values)
            emails = [member.email for member in team.members]
            set_team_members(team=team.slug, emails=emails, actor=actor, now=now)


def _declare(service: ServiceView, now: datetime) -> None:
    environment, _created = Environment.objects.get_or_create(slug=service.environment)
    values = {
        "team": Team.objects.get(slug=service.team_slug),
        "environment": environment,
        "spec": to_json(service),
        "digest": service.digest(),
        "active": True,
        "changed_at": now,
    }
    Service.objects.update_or_create(slug=service.slug, defaults=values)


def _set_dependencies() -> None:
    """Make the table agree with the active services' declarations."""
    rows = {row.slug: row for row in Service.objects.filter(active=True)}
    wanted = {
        (row.id, rows[needed].id)
        for row in rows.values()
        for needed in from_json(row.spec).depends_on
        if needed in rows
    }
    existing = {(dependency.service_id, dependency.needed_id): dependency.pk for dependency in Dependency.objects.all()}
    Dependency.objects.filter(pk__in=[pk for pair, pk in existing.items() if pair not in wanted]).delete()
    Dependency.objects.bulk_create(
        Dependency(service_id=service, needed_id=needed) for service, needed in sorted(wanted - existing.keys())
    )


def _set_routes(before: dict[str, ServiceView], actor: Actor, now: datetime) -> None:
    """Give each gateway the routes of its services: first off with what has moved, so that two may swap places."""
    after = {row.slug: from_json(row.spec) for row in Service.objects.filter(active=True)}
    for slug, service in before.items():
        still = after.get(slug)
        if service.gateway and (still is None or still.gateway != service.gateway):
            set_routes(service.gateway.name, slug, (), now, actor=actor)
    for slug, service in after.items():
        if service.gateway:
            # Unchanged ones too: setting what is set changes nothing, and what was lost comes back.
            set_routes(service.gateway.name, slug, gateway_routes(service), now, actor=actor)


def gateway_routes(service: ServiceView) -> tuple[Route, ...]:
    """The routes of a service in the gateway's own words; none when it has no gateway."""
    if service.gateway is None or service.run is None:
        return ()
    backends = tuple(Backend(replica.url) for replica in service.run.replicas)
    health = service.run.health.path if service.run.health else None
    return tuple(
        Route(
            service=service.slug, path_prefix=route.path_prefix, backends=backends, host=route.host, health_path=health
        )
        for route in service.gateway.routes
    )


def _tell(change: Change, source: str, actor: Actor, now: datetime) -> None:
    if change.kind == "person":
        return  # the access room has recorded it with the account
    action = {"add": "declared", "change": "changed", "remove": "removed"}[change.action]
    facts = {
        "source": source,
        "fields": [{"path": field.path, "before": field.before, "after": field.after} for field in change.fields],
    }
    record(
        aggregate=f"{change.kind}:{change.name}",
        action=f"catalog.{change.kind}.{action}",
        actor=actor.label,
        facts=facts,
        now=now,
    )
    if change.kind == "service":
        event = ServiceRemoved(change.name) if change.action == "remove" else ServiceDeclared(change.name)
        publish(event, now=now)
