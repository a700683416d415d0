"""Failed work that is run again: lists, the form that makes one, and one from choice to report."""

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
from bonanca.aftercare.operations.choose_items import choose_items
from bonanca.aftercare.operations.list_failed import list_failed
from bonanca.aftercare.operations.read_items import read_items
from bonanca.aftercare.operations.start_reexecution import start_reexecution
from bonanca.aftercare.operations.withdraw_reexecution import withdraw_reexecution
from bonanca.aftercare.state import ItemState
from bonanca.aftercare.views import ReexecutionView
from bonanca.aftercare.web.forms import LimitsForm, PeriodForm
from bonanca.catalog.queries import list_services
from bonanca.incidents.queries import by_number, get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed, NotFound
from bonanca.ui.formats import who_text
from bonanca.ui.live import render_page

SHOWN = 30


@page(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Earlier lists, and the form that makes one: of an incident's time, or of any."""
    services = [
        (service.slug, service.name)
        for service in list_services()
        if service.reexecution and allowed(actor, Permission.RESPOND, team=service.team_slug)
    ]
    asked = {"service": request.GET.get("service", ""), "incident": request.GET.get("incident", "")}
    form = PeriodForm(request.POST or None, services=services, initial=asked)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = list_failed(
                given["service"],
                since=given["since"],
                until=given["until"],
                incident_id=by_number(given["incident"]).id if given["incident"] else None,
                actor=actor,
                now=utc_now(),
            )
        except (Invalid, NotFound) as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return redirect("aftercare:reexecution", reexecution_id=made.id)
    context = {"lists": queries.reexecutions(), "form": form, "services": services}
    return render_page(request, "aftercare/reexecutions.html", context, status=422 if form.errors else 200)


@page(Permission.READ)
@require_safe
def reexecution(request: HttpRequest, actor: Actor, reexecution_id: UUID) -> HttpResponse:
    """Counts by source, the items with a filter; then progress, then the report."""
    found = queries.get_reexecution(reexecution_id)
    may_act = allowed(actor, Permission.RESPOND, team=found.team)
    wanted = {name: request.GET.get(name, "") for name in ("source", "state", "matching")}
    items = queries.items_of(
        reexecution_id,
        source=wanted["source"],
        state=wanted["state"],
        matching=wanted["matching"],
        limit=SHOWN + 1,
        in_full=may_act,
    )
    context = {
        "list": found,
        "incident": get_incident(found.incident_id) if found.incident_id else None,
        "items": items[:SHOWN],
        "more": len(items) > SHOWN,
        "shown": SHOWN,
        "wanted": wanted,
        "states": ItemState.choices,
        "columns": [state.label for state in _columns(found)],
        "rows": _rows(found),
        "limits": LimitsForm(
            initial={"rate_per_s": f"{found.rate_per_s:g}", "stop_percent": f"{found.stop_percent:g}"}
        ),
        "may_act": may_act,
        "lister": who_text(found.listed_by),
        "starter": who_text(found.started_by),
    }
    return render_page(request, "aftercare/reexecution.html", context)


def _columns(found: ReexecutionView) -> list[ItemState]:
    """The outcomes that there are, in their order: columns of nothing but zeros say nothing."""
    return [state for state in ItemState if found.counts.get(state)]


def _rows(found: ReexecutionView) -> list[tuple[str, list[tuple[str, int]], int]]:
    """For each source the counts of the columns with their words, and the sum of all."""
    columns = _columns(found)
    return [
        (name, [(str(state.label), by_state.get(state, 0)) for state in columns], sum(by_state.values()))
        for name, by_state in found.sources.items()
    ]


@page(Permission.RESPOND)
@require_POST
def act(request: HttpRequest, actor: Actor, reexecution_id: UUID, verb: str) -> HttpResponse:
    """Choose, start or withdraw; a refusal is said on the page, in words."""
    try:
        _act(request, actor, reexecution_id, verb)
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
    return redirect("aftercare:reexecution", reexecution_id=reexecution_id)


def _act(request: HttpRequest, actor: Actor, reexecution_id: UUID, verb: str) -> None:
    now = utc_now()
    if verb == "start":
        limits = LimitsForm(request.POST)
        if not limits.is_valid():
            raise Invalid(_("Say the limits as numbers."))
        start_reexecution(reexecution_id, **limits.cleaned_data, actor=actor, now=now)
    elif verb == "withdraw":
        withdraw_reexecution(reexecution_id, actor=actor, now=now)
    elif verb in ("take", "leave"):
        chosen = [int(value) for value in request.POST.getlist("item") if value.isdecimal()]
        if request.POST.get("scope") == "chosen" and not chosen:
            raise Invalid(_("Choose at least one."))
        choose_items(
            reexecution_id,
            take=verb == "take",
            source=request.POST.get("source", ""),
            matching=request.POST.get("matching", ""),
            items=chosen if request.POST.get("scope") == "chosen" else (),
            reason=request.POST.get("reason", ""),
            actor=actor,
            now=now,
        )
    else:
        raise NotFound(_("There is no such verb."))


@page(Permission.READ)
@require_safe
def report(request: HttpRequest, actor: Actor, reexecution_id: UUID) -> HttpResponse:
    """The report as CSV; `?contents=1` with what is sent, which is written down."""
    lines = read_items(reexecution_id, contents=request.GET.get("contents") == "1", actor=actor, now=utc_now())
    response = HttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="reexecution-{reexecution_id}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response
