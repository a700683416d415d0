"""Going back to before a change, and taking that back: previews that people decide about."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.incidents.queries import get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed, NotFound
from bonanca.response.approvers import able_to_approve
from bonanca.response.compilers.strategies import choices
from bonanca.response.operations.draw_up_rollback import draw_up_rollback
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.operations.propose_undo import propose_undo


@page(Permission.RESPOND)
@require_http_methods(["GET", "HEAD", "POST"])
def rollback(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Look (GET, writes nothing), or have the preview kept for approval (POST)."""
    given = request.POST if request.method == "POST" else request.GET
    wished, incident_id = given.get("strategy", ""), _incident(given.get("incident", ""))
    change = change_by_number(number)
    try:
        if request.method == "POST":
            plan = propose_rollback(
                change_id=change.id,
                incident_id=incident_id,
                strategy=wished,
                reason=given.get("reason", ""),
                actor=actor,
                now=utc_now(),
            )
            return redirect("response:plan", plan_id=plan.id)
        draft = draw_up_rollback(change.id, incident_id=incident_id, strategy=wished, actor=actor, now=utc_now())
    except (NotAllowed, NotFound):
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("delivery:change", number=number)
    context = {
        "draft": draft,
        "title": str(draft.title),
        "incident": get_incident(incident_id) if incident_id else None,
        "strategies": choices(),
        "approvers": able_to_approve(draft.service.team_slug, without=[actor.label] if draft.preview.four_eyes else []),
    }
    return render(request, "response/draft.html", context)


@page(Permission.RESPOND)
@require_POST
def undo(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Preview taking a rollback back."""
    try:
        proposed = propose_undo(plan_id, actor=actor, now=utc_now())
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("response:plan", plan_id=plan_id)
    return redirect("response:plan", plan_id=proposed.id)


def _incident(given: str) -> UUID | None:
    return incident_by_number(int(given)).id if given.isdecimal() and len(given) < 10 else None
