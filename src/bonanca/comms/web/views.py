"""The public status page, for people and for machines."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page, public
from bonanca.comms import queries
from bonanca.comms.operations.publish_update import publish_update
from bonanca.comms.web.bars import day_bars
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid


@public
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Answer "is it me?"."""
    now = utc_now()
    found = queries.status_page(now)
    rows = [(component, day_bars(component)) for component in found.components]
    response = render(request, "comms/status.html", {"status": found, "rows": rows, "now": now})
    response.headers["Cache-Control"] = "public, max-age=5"
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


@page(Permission.COMMAND)
@require_POST
def publish(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Say something about an incident."""
    try:
        publish_update(
            incident_by_number(number).id,
            state=request.POST.get("state", ""),
            text=request.POST.get("text", ""),
            actor=actor,
            now=utc_now(),
        )
    except Invalid as refused:
        messages.error(request, str(refused))
    return redirect("incidents:incident", number=number)


@public
@require_safe
def summary(request: HttpRequest) -> JsonResponse:
    """The same in the shape that readers of Statuspage's `summary.json` know."""
    found = queries.status_page(utc_now())
    body = {
        "page": {"id": "bonanca", "name": "Bonança", "url": f"{settings.PUBLIC_URL}/status/"},
        "status": {"indicator": found.indicator, "description": found.sentence},
        "components": [{"id": c.slug, "name": c.name, "status": c.state} for c in found.components],
        "incidents": [
            {
                "id": str(incident.id),
                "name": incident.title,
                "status": incident.state,
                "started_at": incident.started_at.isoformat(),
                "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
                "incident_updates": [
                    {"id": str(u.id), "status": u.state, "body": u.text, "created_at": u.at.isoformat()}
                    for u in incident.updates
                ],
            }
            for incident in found.current
        ],
        "scheduled_maintenances": [],
    }
    response = JsonResponse(body)
    response.headers["Cache-Control"] = "public, max-age=1"
    return response
