"""Deploying a change from its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed
from bonanca.response.operations.start_deployment import start_deployment


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
