"""Pages of what older data would bring back, and of everything that is kept."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.catalog.queries import get_service
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Conflict, Invalid
from bonanca.recovery.operations.record_erasure import record_erasure
from bonanca.recovery.operations.tick_point import tick_point
from bonanca.recovery.queries.keeping import everything_kept
from bonanca.recovery.queries.privacy import (
    erasures_count,
    erasures_of,
    get_review,
    list_reviews,
    services_with_privacy,
)
from bonanca.recovery.web.privacy_forms import ErasureForm
from bonanca.ui.live import render_page


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What waits for people, every service, and everything kept with its expiry and readers."""
    context = {
        "services": services_with_privacy(),
        "kept": everything_kept(),
    }
    return render(request, "recovery/privacy.html", context)


@page(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def service(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """The register of a service; a POST records that somebody was erased. The operation checks who may."""
    declared = get_service(slug)
    form = ErasureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            record_erasure(
                service=slug, reference=given["reference"], reason=given["reason"], actor=actor, now=utc_now()
            )
        except Invalid as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(request, _("Recorded. Whatever older data comes back, this person is erased again."))
            return redirect("recovery:service_privacy", slug)
    may = allowed(actor, Permission.RESPOND, team=declared.team_slug)
    context = {
        "service": declared,
        "form": form,
        "erasures": erasures_of(slug),
        "count": erasures_count(slug),
        "reviews": list_reviews(slug, limit=20),
        "kept": everything_kept(slug),
        "why_not": "" if may else _("This needs a responder of the team, or a commander."),
    }
    return render(request, "recovery/service_privacy.html", context, status=422 if form.errors else 200)


@page(Permission.READ)
@require_safe
def review(request: HttpRequest, actor: Actor, review_id: UUID) -> HttpResponse:
    """What comes back, point by point."""
    found = get_review(review_id)
    may = allowed(actor, Permission.RESPOND, team=found.team)
    context = {
        "review": found,
        "mine": [one.number for one in found.points if one.ticked_by == actor.label],
        "why_not": "" if may else _("This needs a responder of the team, or a commander."),
    }
    return render_page(request, "recovery/review.html", context)


@page(Permission.RESPOND)
@require_POST
def tick(request: HttpRequest, actor: Actor, review_id: UUID, number: int) -> HttpResponse:
    """Tick one point."""
    try:
        found = tick_point(review_id, number=number, note=request.POST.get("note", ""), actor=actor, now=utc_now())
    except (Conflict, Invalid) as refused:
        messages.error(request, str(refused))
    else:
        if not found.left:
            messages.success(request, _("Everything has been looked at: the plan goes on."))
    return redirect("recovery:review", review_id)
