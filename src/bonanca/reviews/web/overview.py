"""The overview: what burns, and every service in one row."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.catalog.queries import list_services
from bonanca.kernel.clock import utc_now
from bonanca.oncall.queries import who_is_on_call
from bonanca.ui.live import render_page


@page(Permission.READ)
@require_safe
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What a person sees first."""
    services = list_services()
    now = utc_now()
    teams = {service.team_slug for service in services}
    on_call = {team: who_is_on_call(team, now) for team in teams}
    rows = [(service, on_call[service.team_slug]) for service in services]
    return render_page(request, "reviews/overview.html", {"rows": rows})
