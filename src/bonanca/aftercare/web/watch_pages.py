"""Reinforced watches: the list with the form that begins one, and one of them, live."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.aftercare import queries
from bonanca.aftercare.charting import nearness_of
from bonanca.aftercare.operations.end_watch import end_watch
from bonanca.aftercare.operations.start_watch import can_be_watched, start_watch
from bonanca.aftercare.views import WatchView
from bonanca.aftercare.web.forms import WatchForm
from bonanca.catalog.queries import list_services
from bonanca.incidents.queries import get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed
from bonanca.signals.queries import tightened
from bonanca.signals.views import TightenedView
from bonanca.ui.formats import who_text
from bonanca.ui.live import render_page

SHOWN_MINUTES = 10


@page(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is watched closer, what was, and the form that begins a watch."""
    services = [
        (service.slug, service.name)
        for service in list_services()
        if can_be_watched(service) and allowed(actor, Permission.RESPOND, team=service.team_slug)
    ]
    form = WatchForm(request.POST or None, services=services, initial={"service": request.GET.get("service", "")})
    if request.method == "POST" and form.is_valid():
        try:
            begun = start_watch(**form.cleaned_data, actor=actor, now=utc_now())
        except Invalid as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return redirect("aftercare:watch", watch_id=begun.id)
    found = queries.watches()
    context = {
        "on": [one for one in found if one.is_on],
        "past": [one for one in found if not one.is_on],
        "form": form,
        "services": services,
    }
    return render_page(request, "aftercare/watches.html", context, status=422 if form.errors else 200)


@page(Permission.READ)
@require_safe
def watch(request: HttpRequest, actor: Actor, watch_id: UUID) -> HttpResponse:
    """One watch: thresholds, minutes, what was found, how it ended."""
    found = queries.get_watch(watch_id)
    samples = queries.samples_of(watch_id)
    context = {
        "watch": found,
        "incident": get_incident(found.incident_id) if found.incident_id else None,
        "nearness": nearness_of(found, samples),
        "minutes": tuple(reversed(samples[-SHOWN_MINUTES:])),
        "rules": _rules(found),
        "starter": who_text(found.started_by),
        "ender": who_text(found.ended_by),
        "why_not": ""
        if allowed(actor, Permission.RESPOND, team=found.team)
        else _("This needs a responder of the team, or a commander."),
    }
    return render_page(request, "aftercare/watch.html", context)


def _rules(found: WatchView) -> tuple[TightenedView, ...]:
    """The tightened rules as they stand now; nothing of a watch that is over, or of a service that is gone."""
    if not found.is_on or found.service not in {service.slug for service in list_services()}:
        return ()
    return tightened(found.service, tighten=found.tighten, shorten=found.shorten, since=found.counts_from, at=utc_now())


@page(Permission.RESPOND)
@require_POST
def end(request: HttpRequest, actor: Actor, watch_id: UUID) -> HttpResponse:
    """Stop looking closer, and say why."""
    try:
        end_watch(watch_id, reason=request.POST.get("reason", ""), actor=actor, now=utc_now())
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
    return redirect("aftercare:watch", watch_id=watch_id)
