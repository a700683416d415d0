"""Containment as a page. Each button is one domain call."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.incidents.queries import get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid
from bonanca.response.operations.contain import AlreadyContained, contain
from bonanca.response.operations.undo_containment import undo_containment
from bonanca.response.web.forms import ContainForm


@page(Permission.RESPOND)
@require_http_methods(["GET", "HEAD", "POST"])
def containment(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Choose a containment; the form is the preview of what visitors will see."""
    incident = incident_by_number(number)
    form = ContainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            contain(
                incident_id=incident.id,
                action=given["action"],
                match=given["match"],
                expires_in_s=given["minutes"] * 60,
                reason=given["reason"],
                weights=given["weights"],
                threshold_percent=given["threshold_percent"] or 0,
                actor=actor,
                now=utc_now(),
            )
        except (Invalid, AlreadyContained) as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return redirect("incidents:incident", number=number)
    context = {"incident": incident, "form": form}
    return render(request, "response/contain.html", context, status=422 if form.errors else 200)


@page(Permission.RESPOND)
@require_POST
def lift(request: HttpRequest, actor: Actor, containment_id: UUID) -> HttpResponse:
    """Let requests through again."""
    lifted = undo_containment(containment_id, actor=actor, now=utc_now())
    return redirect("incidents:incident", number=get_incident(lifted.incident_id).number)
