"""Where a service's backups lie: places with their copies, and what is missing or damaged there."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.operations.retry_copy import retry_copy
from bonanca.recovery.operations.start_check import start_check
from bonanca.recovery.operations.start_rewrap import start_rewrap
from bonanca.recovery.operations.start_wal_check import start_wal_check
from bonanca.ui.live import render_page


@page(Permission.READ)
@require_safe
def places(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """The places of one service."""
    context = {
        "service": slug,
        "found": queries.places_of(slug),
        "keys": queries.keys_of(slug),
        "outside": queries.outside_of(slug),
        "why_not": why_not(actor, slug),
        "why_not_rewrap": "" if allowed(actor, Permission.COMMAND) else _("A commander has to start this."),
    }
    return render_page(request, "recovery/service_places.html", context)


@page(Permission.READ)
@require_POST
def retry(request: HttpRequest, actor: Actor, slug: str, backup_id: UUID) -> HttpResponse:
    """Have a copy made again; the operation checks who may."""
    place = request.POST.get("place", "")
    retry_copy(backup_id=backup_id, place=place, actor=actor, now=utc_now())
    messages.success(request, _("A worker makes the copy again."))
    return redirect("recovery:service_places", slug)


@page(Permission.READ)
@require_POST
def check(request: HttpRequest, actor: Actor, slug: str, backup_id: UUID) -> HttpResponse:
    """Start a check of every copy; the operation checks who may."""
    key = f"check:{backup_id}:asked:{new_id()}"
    start_check(backup_id=backup_id, repair=False, actor=actor, now=utc_now(), key=key)
    messages.success(request, _("A worker reads every copy of this backup."))
    return redirect("recovery:service_backups", slug)


@page(Permission.READ)
@require_POST
def check_log(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Start a check of the archived log, which makes again what is damaged; the operation checks who may."""
    key = f"check-wal:{slug}:asked:{new_id()}"
    start_wal_check(service=slug, repair=True, actor=actor, now=utc_now(), key=key)
    messages.success(request, _("A worker reads the archived log in every place."))
    return redirect("recovery:restores", slug)


@page(Permission.COMMAND)
@require_POST
def rewrap(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Have the backups wrapped for the declared keys with the declared private key."""
    run = start_rewrap(service=slug, actor=actor, now=utc_now(), key=f"rewrap:{slug}:asked:{new_id()}")
    return redirect("durable:plan", run_id=run.id)


def why_not(actor: Actor, slug: str) -> str:
    """Why this person may not act on the service's backups; empty: they may."""
    if allowed(actor, Permission.RESPOND, team=queries.team_of(slug)):
        return ""
    return _("This needs a responder of the team, or a commander.")
