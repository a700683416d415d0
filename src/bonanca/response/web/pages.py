"""Containment, rollback preview, progress and undo as pages. Each button is one domain call."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.delivery.queries import by_number as change_by_number
from bonanca.delivery.queries import get_change
from bonanca.incidents.queries import by_number as incident_by_number
from bonanca.incidents.queries import get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed
from bonanca.response import queries
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.contain import AlreadyContained, contain
from bonanca.response.operations.propose_rollback import propose_rollback
from bonanca.response.operations.propose_undo import propose_undo
from bonanca.response.operations.start_deployment import start_deployment
from bonanca.response.operations.undo_containment import undo_containment
from bonanca.response.operations.withdraw_plan import withdraw_plan
from bonanca.response.web.forms import ContainForm
from bonanca.ui.live import render_page


@page(Permission.RESPOND)
@require_http_methods(["GET", "HEAD", "POST"])
def containment(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Choose a containment; the form is the preview of what visitors will see."""
    incident = incident_by_number(number)
    form = ContainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            contain(
                incident_id=incident.id,
                action=given["action"],
                match=given["match"],
                expires_in_s=given["minutes"] * 60,
                reason=given["reason"],
                actor=actor,
                now=utc_now(),
            )
        except (Invalid, AlreadyContained) as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return redirect("incidents:incident", number=number)
    context = {"incident": incident, "form": form}
    return render(request, "response/contain.html", context, status=422 if form.errors else 200)


@page(Permission.RESPOND)
@require_POST
def lift(request: HttpRequest, actor: Actor, containment_id: UUID) -> HttpResponse:
    """Let requests through again."""
    lifted = undo_containment(containment_id, actor=actor, now=utc_now())
    return redirect("incidents:incident", number=get_incident(lifted.incident_id).number)


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


@page(Permission.RESPOND)
@require_POST
def rollback(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Make the preview of a rollback and show it."""
    given = request.POST.get("incident", "")
    incident_id = incident_by_number(int(given)).id if given.isdecimal() else None
    try:
        plan = propose_rollback(
            change_id=change_by_number(number).id, incident_id=incident_id, actor=actor, now=utc_now()
        )
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
        return redirect("delivery:change", number=number)
    return redirect("response:plan", plan_id=plan.id)


@page(Permission.READ)
@require_safe
def plan(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Preview, and while it runs the same list as progress."""
    found = queries.get_plan(plan_id)
    context = {
        "plan": found,
        "change": get_change(found.change_id) if found.change_id else None,
        "incident": get_incident(found.incident_id) if found.incident_id else None,
        "why_not": _why_not(found, actor),
        # "person:ana@loja.example": the kind is for the audit, the name for people.
        "approver": found.approved_by.partition(":")[2],
        "may_act": allowed(actor, Permission.RESPOND, team=found.team),
    }
    return render_page(request, "response/plan.html", context)


def _why_not(found: queries.ProposedPlanView, actor: Actor) -> str:
    """Return why the one button is disabled, or nothing."""
    if not allowed(actor, Permission.COMMAND):
        return _("A commander has to approve this.")
    if not found.preview.passed:
        return _("Something that the plan needs is missing: see the checks.")
    if found.expires_at <= utc_now():
        return _("This preview is too old: ask for a new one.")
    return ""


@page(Permission.COMMAND)
@require_POST
def approve(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Approve and start."""
    return _decided(request, plan_id, lambda: approve_plan(plan_id, actor=actor, now=utc_now()))


@page(Permission.RESPOND)
@require_POST
def withdraw(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Not this one."""
    return _decided(request, plan_id, lambda: withdraw_plan(plan_id, actor=actor, now=utc_now()))


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


def _decided(request: HttpRequest, plan_id: UUID, decide: Callable[[], object]) -> HttpResponse:
    try:
        decide()
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
    return redirect("response:plan", plan_id=plan_id)
