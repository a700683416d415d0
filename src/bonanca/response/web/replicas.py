"""Restarting and stopping a service, and dividing its requests, from its page."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed, NotFound
from bonanca.response.operations.operate_service import restart_service, shift_traffic, stop_service
from bonanca.response.queries import ProposedPlanView


@page(Permission.RESPOND)
@require_POST
def operate(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Restart or stop, whichever button was pressed."""
    does = stop_service if request.POST.get("verb") == "stop" else restart_service
    reason = request.POST.get("reason", "")
    return _led_to(request, slug, lambda: does(slug, reason=reason, actor=actor, now=utc_now()))


@page(Permission.RESPOND)
@require_POST
def traffic(request: HttpRequest, actor: Actor, slug: str) -> HttpResponse:
    """Share requests out by weight for a while."""
    given = request.POST

    def shift() -> ProposedPlanView:
        minutes = given.get("minutes", "")
        return shift_traffic(
            slug,
            weights=given.get("weights", ""),
            expires_in_s=int(minutes) * 60 if minutes.isascii() and minutes.isdigit() and len(minutes) < 6 else 0,
            reason=given.get("reason", ""),
            actor=actor,
            now=utc_now(),
        )

    return _led_to(request, slug, shift)


def _led_to(request: HttpRequest, slug: str, does: Callable[[], ProposedPlanView]) -> HttpResponse:
    try:
        plan = does()
    except (NotAllowed, NotFound):
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("catalog:service", slug=slug)
    return redirect("response:plan", plan_id=plan.id)
