"""Deploying a change from its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed, NotFound
from bonanca.response.operations.draw_up_deployment import draw_up_deployment
from bonanca.response.operations.start_deployment import start_deployment


@page(Permission.RESPOND)
@require_safe
def preview(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Look at the steps, and at what pinning the state before costs. Nothing is written."""
    try:
        draft = draw_up_deployment(change_by_number(number).id, actor=actor)
    except (NotAllowed, NotFound):
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("delivery:change", number=number)
    return render(request, "response/deployment.html", {"draft": draft, "change": draft.change})


@page(Permission.RESPOND)
@require_POST
def deploy(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Start the deployment of a change."""
    try:
        plan = start_deployment(
            change_by_number(number).id,
            override_reason=request.POST.get("override_reason", ""),
            actor=actor,
            now=utc_now(),
        )
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("delivery:change", number=number)
    return redirect("response:plan", plan_id=plan.id)
