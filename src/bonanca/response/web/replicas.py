"""Restarting and stopping a service from its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed, NotFound
from bonanca.response.operations.operate_service import restart_service, stop_service


@page(Permission.RESPOND)
@require_POST
def operate(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Restart or stop, whichever button was pressed."""
    does = stop_service if request.POST.get("verb") == "stop" else restart_service
    try:
        plan = does(slug, reason=request.POST.get("reason", ""), actor=actor, now=utc_now())
    except (NotAllowed, NotFound):
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("catalog:service", slug=slug)
    return redirect("response:plan", plan_id=plan.id)
