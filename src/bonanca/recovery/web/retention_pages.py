"""What retention keeps of a service's backups and what it would remove: the preview is the confirmation."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.operations.prune_backups import prune_backups


@page(Permission.READ)
@require_safe
def plan(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Show which backups stay and why, which would go, and what that frees."""
    found = queries.retention_plan(slug, utc_now())
    why_not = "" if allowed(actor, Permission.COMMAND) else _("This needs a commander.")
    context = {"service": slug, "plan": found, "outside": queries.outside_of(slug), "why_not": why_not}
    return render(request, "recovery/retention.html", context)


@page(Permission.READ)
@require_POST
def prune(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Remove exactly what was shown; the operation checks who may."""
    done = prune_backups(service=slug, digest=request.POST.get("digest", ""), actor=actor, now=utc_now())
    messages.success(request, _("%(count)d backups were removed.") % {"count": len(done.goes)})
    return redirect("recovery:retention", slug)
