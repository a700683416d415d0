"""What to do while a service is away: the list, one contingency, and walking through it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.incidents.queries import get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Conflict, Invalid, NotFound
from bonanca.risks import queries
from bonanca.risks.operations.end_contingency import end_contingency
from bonanca.risks.operations.start_contingency import start_contingency
from bonanca.risks.operations.tick_step import tick_step
from bonanca.risks.views import ContingencyView, UseView


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every contingency; what runs and what does not count first."""
    context = {"found": queries.contingencies(utc_now()), "without": queries.services_without()}
    return render(request, "risks/contingencies.html", context)


@page(Permission.READ)
@require_safe
def contingency(request: HttpRequest, actor: Actor, service: str, slug: str) -> HttpResponse:
    """When it is for, who does it, its steps, and how it went before."""
    found = queries.get_contingency(service, slug, utc_now())
    context = {
        "one": found,
        "uses": queries.uses_of(service, slug),
        "incident_id": _incident(request.GET.get("incident", "")) or "",
        "why_not": _why_not(actor, found.team),
    }
    return render(request, "risks/contingency.html", context)


@page(Permission.RESPOND)
@require_POST
def start(request: HttpRequest, actor: Actor, service: str, slug: str) -> HttpResponse:
    """Begin it in earnest, or as an exercise."""
    try:
        begun = start_contingency(
            service=service,
            slug=slug,
            reason=request.POST.get("reason", ""),
            exercise=request.POST.get("how") == "exercise",
            incident_id=_incident(request.POST.get("incident", "")),
            actor=actor,
            now=utc_now(),
        )
    except (Conflict, Invalid) as refused:
        messages.error(request, str(refused))
        return redirect("risks:contingency", service, slug)
    return redirect("risks:use", begun.id)


@page(Permission.READ)
@require_safe
def use(request: HttpRequest, actor: Actor, use_id: UUID) -> HttpResponse:
    """One use or exercise, step by step."""
    found = queries.get_use(use_id)
    context = {
        "use": found,
        "one": _declared(found) if found.running else None,
        "incident": get_incident(found.incident_id) if found.incident_id else None,
        "why_not": _why_not(actor, queries.team_of(found.service)),
    }
    return render(request, "risks/use.html", context)


def _declared(use: UseView) -> ContingencyView | None:
    """What runs, as it is declared now: until when it can be kept up. None: it is declared no more."""
    try:
        return queries.get_contingency(use.service, use.contingency, utc_now())
    except NotFound:
        return None


@page(Permission.RESPOND)
@require_POST
def tick(request: HttpRequest, actor: Actor, use_id: UUID, number: int) -> HttpResponse:
    """Say what became of a step."""
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "")
    try:
        tick_step(use_id=use_id, number=number, outcome=outcome, note=note, actor=actor, now=utc_now())
    except (Conflict, Invalid) as refused:
        messages.error(request, str(refused))
    return redirect("risks:use", use_id)


@page(Permission.RESPOND)
@require_POST
def end(request: HttpRequest, actor: Actor, use_id: UUID) -> HttpResponse:
    """Back to normal, or ended early."""
    early, note = request.POST.get("how") == "early", request.POST.get("note", "")
    try:
        end_contingency(use_id=use_id, note=note, early=early, actor=actor, now=utc_now())
    except (Conflict, Invalid) as refused:
        messages.error(request, str(refused))
    return redirect("risks:use", use_id)


def _incident(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _why_not(actor: Actor, team: str) -> str:
    may = allowed(actor, Permission.RESPOND, team=team)
    return "" if may else _("This needs a responder of the team, or a commander.")
