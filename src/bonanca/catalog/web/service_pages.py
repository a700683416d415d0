"""The services: a list, and one service with what the other rooms know about it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.catalog import queries


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every service, critical ones first."""
    context = {
        "services": queries.list_services(),
        "teams": {team.slug: team.name for team in queries.list_teams()},
    }
    return render(request, "catalog/services.html", context)


@page(Permission.READ)
@require_safe
def service(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """One service: facts from the catalog, panels from the rooms that measure, keep and change it."""
    found = queries.get_service(slug)
    team = queries.get_team(found.team_slug)
    names = {person.email: person.name for person in team.members}
    context = {
        "service": found,
        "team": team,
        "on_call": [names.get(email, email) for email in team.on_call],
        "dependents": queries.dependents_of(slug),
        "changed_at": queries.service_changed_at(slug),
        "replicas": [replica.url for replica in found.run.replicas] if found.run else [],
        "routes": [f"{r.host or '*'}{r.path_prefix}" for r in found.gateway.routes] if found.gateway else [],
    }
    return render(request, "catalog/service.html", context)
