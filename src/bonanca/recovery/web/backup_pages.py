"""Backups: every service with its last proof, and one service with its backups, their places and drills."""

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
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.operations.start_backup import start_backup
from bonanca.recovery.operations.start_drill import start_drill


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every service that declares a backup."""
    marks = {row.service: row for row in queries.readiness(utc_now())}
    rows = [{"readiness": marks[row.slug], **vars(row)} for row in queries.overview()]
    return render(request, "recovery/backups.html", {"rows": rows})


@page(Permission.READ)
@require_safe
def service(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """The backups of one service, newest first."""
    team = queries.team_of(slug)
    context = {
        "service": slug,
        "declared": queries.declares_backup(slug),
        "backups": queries.list_backups(slug),
        "readiness": queries.readiness_of(slug, utc_now()),
        "drills": queries.list_drills(slug, limit=10),
        "pins": queries.pins_of(slug),
        "why_not": ""
        if allowed(actor, Permission.RESPOND, team=team)
        else _("This needs a responder of the team, or a commander."),
    }
    return render(request, "recovery/service_backups.html", context)


@page(Permission.READ)
@require_POST
def take(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Start a backup; the operation checks who may."""
    start_backup(service=slug, actor=actor, now=utc_now(), key=f"backup:{slug}:asked:{new_id()}")
    messages.success(request, _("The backup has been started."))
    return redirect("recovery:service_backups", slug)


@page(Permission.READ)
@require_POST
def verify(request: HttpRequest, actor: Actor, slug: str, backup_id: UUID) -> HttpResponse:
    """Start a drill; the operation checks who may."""
    start_drill(backup_id=backup_id, actor=actor, now=utc_now(), key=f"drill:{backup_id}:asked:{new_id()}")
    messages.success(request, _("The restore into a scratch server has been started."))
    return redirect("recovery:service_backups", slug)
