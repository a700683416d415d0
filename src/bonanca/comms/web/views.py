"""The public status page, for people and for machines."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bonanca.access.web import public
from bonanca.comms import queries
from bonanca.comms.web.bars import day_bars
from bonanca.kernel.clock import utc_now


@public
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Answer "is it me?"."""
    found = queries.status_page(utc_now())
    rows = [(component, day_bars(component)) for component in found.components]
    response = render(request, "comms/status.html", {"status": found, "rows": rows})
    response.headers["Cache-Control"] = "public, max-age=5"
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


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
