"""Standbys: how far behind, what a promotion would do, and the button that starts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
from bonanca.recovery.operations.preview_promotion import preview_promotion
from bonanca.recovery.operations.preview_rejoin import preview_rejoin
from bonanca.recovery.operations.start_promotion import start_promotion
from bonanca.recovery.operations.start_rejoin import start_rejoin


@page(Permission.READ)
@require_safe
def standby(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """One service's standby: state, lag of three days, and what a promotion would do."""
    found, now, team = queries.replication_of(slug), utc_now(), queries.team_of(slug)
    until = datetime.fromtimestamp(-(-now.timestamp() // 600) * 600, tz=UTC)
    since = until - timedelta(days=3)
    may_look = found is not None and allowed(actor, Permission.RESPOND, team=team)
    # Asking two servers is for who may act on them. The way back is shown while nobody follows.
    preview = preview_promotion(service=slug, actor=actor, now=now) if may_look else None
    broken = preview is not None and bool(preview.problems) and queries.servers_declared(slug)
    context = {
        "service": slug,
        "standby": found,
        "lag": charting.lag_of(queries.lag_between(slug, since, until), found.max_lag_s, since, until)
        if found
        else None,
        "preview": preview,
        "rejoin": preview_rejoin(service=slug, actor=actor, now=now) if broken else None,
        "why_not": "" if allowed(actor, Permission.COMMAND) else _("This needs a commander."),
    }
    return render(request, "recovery/standby.html", context)


@page(Permission.READ)
@require_POST
def promote(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Start the promotion; the operation checks who may."""
    run = start_promotion(
        service=slug,
        actor=actor,
        now=utc_now(),
        key=f"promotion:{slug}:asked:{new_id()}",
        accept_loss=request.POST.get("accept_loss") == "yes",
    )
    messages.success(request, _("The plan has been started."))
    return redirect("durable:plan", run_id=run.id)


@page(Permission.READ)
@require_POST
def rejoin(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Start making the old primary a standby, or the primary again; the operation checks who may."""
    run = start_rejoin(
        service=slug,
        actor=actor,
        now=utc_now(),
        key=f"rejoin:{slug}:asked:{new_id()}",
        back=request.POST.get("back") == "yes",
    )
    messages.success(request, _("The plan has been started."))
    return redirect("durable:plan", run_id=run.id)
