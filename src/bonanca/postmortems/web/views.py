"""Post-mortems as pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.postmortems import queries
from bonanca.postmortems.charting import budget_chart_of, chart_of
from bonanca.postmortems.drafting import draft, file_name
from bonanca.postmortems.markdown import to_html


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every post-mortem, newest first."""
    return render(request, "postmortems/postmortems.html", {"postmortems": queries.postmortems()})


@page(Permission.READ)
@require_safe
def document(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """One draft in the reader's language and zone, with its evidence beside it."""
    found = queries.by_number(number)
    evidence = queries.evidence_of(found.id)
    text = draft(evidence, locale=get_language() or "pt-br", time_zone=actor.time_zone)
    charts = [chart for chart in (chart_of(evidence), budget_chart_of(evidence)) if chart is not None]
    context = {"postmortem": found, "evidence": evidence, "html": to_html(text), "charts": charts}
    return render(request, "postmortems/postmortem.html", context)


@page(Permission.READ)
@require_safe
def download(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """The draft as a Markdown file."""
    evidence = queries.evidence_of(queries.by_number(number).id)
    text = draft(evidence, locale=get_language() or "pt-br", time_zone=actor.time_zone)
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(evidence, evidence.started_at)}"'
    return response
