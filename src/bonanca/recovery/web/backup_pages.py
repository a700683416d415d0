"""Backups: every service with its last proof, and one service with its backups, their places and drills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
from bonanca.recovery import charting, queries
from bonanca.recovery.operations.start_backup import start_backup
from bonanca.recovery.operations.start_drill import start_drill
from bonanca.recovery.queries.exercises import exercises_status
from bonanca.recovery.queries.own import own_status
from bonanca.recovery.views import Objectives, Readiness
from bonanca.ui.live import render_page, wanted_fragment

NEWEST, ALL = 10, 200


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every service that declares a backup."""
    marks = {row.service: row for row in queries.readiness(utc_now())}
    rows = [{"readiness": marks[row.slug], **vars(row)} for row in queries.overview()]
    now = utc_now()
    found = {"rows": rows, "costs": queries.place_costs(), "own": own_status(now), "exercises": exercises_status(now)}
    return render(request, "recovery/backups.html", found)


@page(Permission.READ)
@require_safe
def service(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """The backups of one service: marks, running work, the timeline, and the list, newest first."""
    team, now = queries.team_of(slug), utc_now()
    readiness = queries.readiness_of(slug, now)
    context = {
        "service": slug,
        "declared": queries.declares_backup(slug),
        "backups": queries.list_backups(slug, limit=ALL if "all" in request.GET else NEWEST),
        "newest": None if "all" in request.GET else NEWEST,
        "readiness": readiness,
        "drills": queries.list_drills(slug, limit=10),
        "running": queries.running(slug),
        "costs": queries.place_costs(slug),
        "pins": queries.pins_of(slug),
        "outside": queries.outside_of(slug),
        "standby": queries.replication_of(slug),
        "why_not": ""
        if allowed(actor, Permission.RESPOND, team=team)
        else _("This needs a responder of the team, or a commander."),
    }
    if wanted_fragment(request) is None:
        context |= _charts(slug, now, _days(request), readiness)
    return render_page(request, "recovery/service_backups.html", context)


def _days(request: HttpRequest) -> int:
    given = request.GET.get("days", "")
    return int(given) if given in ("7", "30", "90") else 30


def _charts(slug: str, now: datetime, days: int, readiness: Readiness | None) -> dict[str, object]:
    # The axis ends on a round time, so that people who look at the same page share one drawing.
    until = datetime.fromtimestamp(-(-now.timestamp() // 600) * 600, tz=UTC)
    found = queries.history(slug, until - timedelta(days=days), until)
    objectives = readiness.objectives if readiness else Objectives()
    return {
        "days": days,
        "spans": (7, 30, 90),
        "timeline": charting.timeline_of(found),
        "rto": charting.rto_of(found, objectives.rto_s),
        "rpo": charting.rpo_of(found, now, objectives.rpo_s),
    }


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
