"""The incident list, the incident (live), and the form that opens one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.catalog.queries import list_services, team_members
from bonanca.incidents import queries
from bonanca.incidents.operations.open_incident import open_incident
from bonanca.incidents.queries import EntryView, IncidentView, SuspectView
from bonanca.incidents.state import EntryKind, Severity
from bonanca.incidents.web.figures import figures_of
from bonanca.incidents.web.forms import NoteForm, OpenForm
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import Invalid
from bonanca.ui.formats import number_text
from bonanca.ui.live import render_page

# Hours of a closer look that can be chosen when an incident is resolved.
WATCH_HOURS = (1.0, 6.0, 24.0, 72.0)
# What stands out on a timeline: what was measured, and what somebody decided.
TONES: dict[str, str] = {EntryKind.SIGNAL: "risk", EntryKind.DECISION: "accent"}


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What burns first, then what was."""
    burning = queries.open_incidents()
    past = tuple(i for i in queries.recent_incidents() if not i.is_open)
    context = {"burning": burning, "past": past}
    return render_page(request, "incidents/incidents.html", context)


@page(Permission.READ)
@require_safe
def incident(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """The page of the product: what burns, what changed, what to do, what was said, live."""
    found = queries.by_number(number)
    now = utc_now()
    kind = request.GET.get("kind", "")
    suspects = queries.suspects(found.id)
    context = {
        "incident": found,
        "suspects": suspects,
        "others": len(suspects) - 1,
        "moments": moments(found, suspects),
        # Enough of the calm before, to see what it was like.
        "chart_since": found.started_at - timedelta(minutes=2),
        # Called by the part of the page that shows it: a live fragment asks for nothing else.
        "figures": lambda: figures_of(found, now),
        "rows": lambda: timeline_rows(found.id, kind),
        "kind": kind,
        "kinds": EntryKind.choices,
        "severities": Severity.choices,
        "members": team_members(found.team),
        "may_act": allowed(actor, Permission.RESPOND, team=found.team),
        "note_form": NoteForm(),
        "watch_hours": watch_choices(queries.hours_of_watch(found.service, found.severity)),
    }
    return render_page(request, "incidents/incident.html", context)


def watch_choices(usual: float) -> list[tuple[str, str, bool]]:
    """Return (hours, words, chosen) of the watch that the resolve form offers; what is declared is chosen."""
    hours = sorted({*WATCH_HOURS, usual} - {0.0})
    words = [
        (f"{h:g}", _("for %(hours)s h") % {"hours": number_text(h, 0 if h == int(h) else 1)}, h == usual) for h in hours
    ]
    return [("0", _("no closer look"), usual == 0), *words]


def timeline_rows(incident_id: UUID, kind: str) -> list[tuple[EntryView, str, str]]:
    """Return the entries, newest first, with their tone and who did it; our own parts need no name."""
    entries = queries.timeline(incident_id, kind=kind if kind in EntryKind.values else None)
    return [
        (entry, TONES.get(entry.kind, ""), "" if entry.actor.startswith("system:") else entry.actor)
        for entry in reversed(entries)
    ]


def moments(found: IncidentView, suspects: tuple[SuspectView, ...]) -> list[tuple[str, object, str]]:
    """Return what is marked on the chart: the first suspect, detection, containment, recovery."""
    marks: list[tuple[str, object, str]] = []
    if suspects:
        marks.append((suspects[0].version, suspects[0].changed_at, "change"))
    marks.append((_("detected"), found.detected_at, "detection"))
    if found.contained_at:
        marks.append((_("contained"), found.contained_at, "containment"))
    if found.mitigated_at:
        marks.append((_("brought back"), found.mitigated_at, "recovery"))
    return marks


@page(Permission.RESPOND)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Open an incident: three questions."""
    services = [
        (service.slug, service.name)
        for service in list_services()
        if allowed(actor, Permission.RESPOND, team=service.team_slug)
    ]
    form = OpenForm(request.POST or None, services=services, initial={"service": request.GET.get("service", "")})
    if request.method == "POST" and form.is_valid():
        try:
            opened = open_incident(**form.cleaned_data, actor=actor, now=utc_now(), source="person")
        except Invalid as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return redirect("incidents:incident", number=opened.number)
    context = {"form": form, "services": services}
    return render(request, "incidents/new.html", context, status=422 if form.errors else 200)
