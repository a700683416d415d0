"""Drills: one with its evidence, and the button that starts one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.kernel.ids import new_id
from bonanca.recovery import queries
from bonanca.recovery.operations.start_due_drills import drill_service
from bonanca.recovery.phases import phases_of
from bonanca.ui.live import render_page


@page(Permission.READ)
@require_safe
def drill(request: HttpRequest, actor: Actor, drill_id: UUID) -> HttpResponse:
    """One drill: what was asked and answered, places read, seconds of each phase."""
    found = queries.get_drill(drill_id)
    context = {
        "drill": found,
        "backup": queries.get_backup(found.backup_id),
        "objectives": queries.objectives_in(found),
        "phases": phases_of(found),
        "differing": sorted(found.evidence.get("counts", {}).get("differing", {}).items()),
    }
    return render_page(request, "recovery/drill.html", context)


@page(Permission.READ)
@require_POST
def start(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Start a drill of what the service declares; the operation checks who may."""
    drill_service(service=slug, actor=actor, now=utc_now(), key=f"drill:{slug}:asked:{new_id()}")
    messages.success(request, _("The restore into a scratch server has been started."))
    return redirect("recovery:service_backups", slug)
