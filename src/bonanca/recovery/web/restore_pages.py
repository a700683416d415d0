"""Restores: the form with what was restored and kept before, and one restore from preview to undo."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, Invalid
from bonanca.recovery import queries
from bonanca.recovery.engines import Target
from bonanca.recovery.operations.create_restore_point import create_restore_point
from bonanca.recovery.operations.drop_kept import drop_kept
from bonanca.recovery.operations.keep_longer import keep_longer
from bonanca.recovery.operations.open_kept import open_kept
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.start_restore import start_restore
from bonanca.recovery.operations.undo_restore import undo_restore
from bonanca.recovery.state import RESTORABLE, RestoreMode, RestorePart, RestoreState
from bonanca.recovery.views import KeptDatabase, RestoreView
from bonanca.recovery.web.forms import OpenForm, RestoreForm
from bonanca.ui.formats import who_text
from bonanca.ui.live import render_page

WEEK_H = 7 * 24.0


@page(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def restores(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Choose what to restore; a POST asks for the preview. The operation checks who may."""
    team = queries.team_of(slug)
    backups = [one for one in queries.list_backups(slug) if one.state in RESTORABLE]
    wal = queries.wal_of(slug)
    asked = {"backup": request.GET.get("backup", "")}
    form = RestoreForm(
        request.POST or None,
        backups=backups,
        with_log=wal is not None,
        database=queries.has_database(slug),
        initial=asked,
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            shown = propose_restore(
                service=slug,
                backup_id=UUID(given["backup"]) if given["backup"] else None,
                target=Target(given.get("target") or "backup", given.get("value") or ""),
                mode=RestoreMode(given["mode"]),
                into=given.get("into") or "",
                part=RestorePart(given["part"]) if given.get("part") else None,
                folder=given.get("folder") or "",
                actor=actor,
                now=utc_now(),
            )
        except Invalid as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return redirect("recovery:restore", slug, shown.id)
    kept, problem = _kept(slug)
    context = {
        "service": slug,
        "form": form,
        "wal": wal,
        "backups": backups,
        "whole_server": any(one.engine == "physical" for one in backups),
        "restores": queries.list_restores(slug),
        "kept": kept,
        "kept_files": queries.kept_files(slug),
        "kept_problem": problem,
        "may_command": allowed(actor, Permission.COMMAND),
        "why_not": ""
        if allowed(actor, Permission.RESPOND, team=team)
        else _("This needs a responder of the team, or a commander."),
    }
    return render(request, "recovery/restores.html", context, status=422 if form.errors else 200)


@page(Permission.READ)
@require_safe
def restore(request: HttpRequest, actor: Actor, slug: str, restore_id: UUID) -> HttpResponse:
    """Preview, and while it runs the same steps as progress."""
    found = _found(slug, restore_id)
    context = {
        "service": slug,
        "restore": found,
        "backup": queries.get_backup(found.backup_id),
        "why_not": _why_not(found, actor),
        "may_undo": allowed(actor, Permission.COMMAND),
        "starter": who_text(found.started_by),
    }
    return render_page(request, "recovery/restore.html", context)


@page(Permission.COMMAND)
@require_POST
def start(request: HttpRequest, actor: Actor, slug: str, restore_id: UUID) -> HttpResponse:
    """Start it."""
    start_restore(_found(slug, restore_id).id, actor=actor, now=utc_now())
    return redirect("recovery:restore", slug, restore_id)


@page(Permission.COMMAND)
@require_POST
def undo(request: HttpRequest, actor: Actor, slug: str, restore_id: UUID) -> HttpResponse:
    """Take it back."""
    run = undo_restore(_found(slug, restore_id).id, actor=actor, now=utc_now())
    return redirect("durable:plan", run_id=run.id)


@page(Permission.RESPOND)
@require_POST
def point(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Name this moment of the service's server."""
    made = create_restore_point(service=slug, name=request.POST.get("name", ""), actor=actor, now=utc_now())
    messages.success(request, _("The point %(name)s was made.") % {"name": made.name})
    return redirect("recovery:restores", slug)


@page(Permission.RESPOND)
@require_POST
def kept(request: HttpRequest, actor: Actor, slug: str, name: str) -> HttpResponse:
    """Keep a replaced database longer, open it for reading, or drop it."""
    verb, now = request.POST.get("verb"), utc_now()
    if verb == "keep":
        keep_longer(service=slug, name=name, hours=WEEK_H, actor=actor, now=now)
        messages.success(request, _("%(name)s is kept for another week.") % {"name": name})
    elif verb == "open":
        form = OpenForm(request.POST)
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        open_kept(service=slug, name=name, reason=reason, hours=1, actor=actor, now=now)
        messages.success(request, _("%(name)s can be read for an hour.") % {"name": name})
    elif verb == "drop":
        drop_kept(service=slug, name=name, actor=actor, now=now)
        messages.success(request, _("%(name)s was dropped.") % {"name": name})
    else:
        raise Http404
    return redirect("recovery:restores", slug)


def _found(slug: str, restore_id: UUID) -> RestoreView:
    found = queries.get_restore(restore_id)
    if found.service != slug:
        raise queries.RestoreNotFound(_("There is no restore %(id)s.") % {"id": restore_id})
    return found


def _kept(slug: str) -> tuple[tuple[KeptDatabase, ...], str]:
    """The kept databases, or why they cannot be seen: the page is readable while the service's server is down."""
    try:
        return queries.kept_databases(slug), ""
    except BonancaError as problem:
        return (), str(problem)


def _why_not(found: RestoreView, actor: Actor) -> str:
    if found.state is not RestoreState.PROPOSED:
        return ""
    if not allowed(actor, Permission.COMMAND):
        return _("A commander has to start this.")
    if found.refused:
        return _("Something stands in the way: see the checks.")
    if found.expires_at <= utc_now():
        return _("This preview is too old: ask for a new one.")
    return ""
