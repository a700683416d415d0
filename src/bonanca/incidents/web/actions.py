"""The buttons of the incident page. Each is one domain call, then back to the page with its outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.incidents import queries
from bonanca.incidents.operations.acknowledge import acknowledge
from bonanca.incidents.operations.assign_commander import assign_commander
from bonanca.incidents.operations.change_severity import change_severity
from bonanca.incidents.operations.close_incident import close_incident
from bonanca.incidents.operations.record_timeline import add_note
from bonanca.incidents.operations.reopen_incident import reopen_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed


def _resolve(incident_id: UUID, *, watch_for_h: str, **facts: Any) -> object:
    try:
        hours = float(watch_for_h) if watch_for_h.strip() else None
    except ValueError as wrong:
        raise Invalid(_("Say the hours of the watch as a number."), field="watch_for_h") from wrong
    return resolve_incident(incident_id, watch_for_h=hours, **facts)


# Which fields of the form each verb takes.
VERBS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "acknowledge": (acknowledge, ()),
    "note": (add_note, ("text",)),
    "commander": (assign_commander, ("email",)),
    "severity": (change_severity, ("severity", "reason")),
    "resolve": (_resolve, ("reason", "watch_for_h")),
    "close": (close_incident, ("reason",)),
    "reopen": (reopen_incident, ("reason",)),
}


@page(Permission.RESPOND)
@require_POST
def act(request: HttpRequest, actor: Actor, number: int, verb: str) -> HttpResponse:
    """Carry out one verb; a refusal is said on the page, in words."""
    if verb not in VERBS:
        raise Http404
    operation, fields = VERBS[verb]
    found = queries.by_number(number)
    given = {name: request.POST.get(name, "") for name in fields}
    try:
        operation(found.id, **given, actor=actor, now=utc_now())
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
    return redirect("incidents:incident", number=number)
