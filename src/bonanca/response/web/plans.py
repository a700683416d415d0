"""A proposed plan as a page: its preview, the decision, and its progress."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.delivery.queries import get_change
from bonanca.incidents.queries import get_incident
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed
from bonanca.response import queries
from bonanca.response.approvers import approvers
from bonanca.response.compilers.strategies import choices
from bonanca.response.operations.answer_criterion import answer_criterion
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.withdraw_plan import withdraw_plan
from bonanca.ui.formats import who_text
from bonanca.ui.live import render_page


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
        "approver": who_text(found.approved_by),
        "may_act": allowed(actor, Permission.RESPOND, team=found.team),
        "approvers": approvers(found) if found.waits_for_approval else (),
        "proposer": who_text(found.proposed_by),
        "strategy": next((s for s in choices() if s.name == found.preview.strategy), None),
    }
    return render_page(request, "response/plan.html", context)


def _why_not(found: queries.ProposedPlanView, actor: Actor) -> str:
    """Return why the one button is disabled, or nothing."""
    if not allowed(actor, Permission.COMMAND):
        return _("A commander has to approve this.")
    if found.four_eyes and actor.label in (found.proposed_by, *(given.by for given in found.approvals)):
        return _("Two people have to agree, and you are one of them already.")
    if not found.preview.passed:
        return _("Something that the plan needs is missing: see the checks.")
    if found.expires_at <= utc_now():
        return _("This preview is too old: ask for a new one.")
    return ""


@page(Permission.COMMAND)
@require_POST
def approve(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Approve and start."""
    why = request.POST.get("override_reason", "")
    return _decided(request, plan_id, lambda: approve_plan(plan_id, override_reason=why, actor=actor, now=utc_now()))


@page(Permission.RESPOND)
@require_POST
def answer(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Say what no instrument measures."""
    given = {name: request.POST.get(name, "") for name in ("rule", "opinion", "words")}
    return _decided(request, plan_id, lambda: answer_criterion(plan_id, **given, actor=actor, now=utc_now()))


@page(Permission.RESPOND)
@require_POST
def withdraw(request: HttpRequest, actor: Actor, plan_id: UUID) -> HttpResponse:
    """Not this one."""
    return _decided(request, plan_id, lambda: withdraw_plan(plan_id, actor=actor, now=utc_now()))


def _decided(request: HttpRequest, plan_id: UUID, decide: Callable[[], object]) -> HttpResponse:
    try:
        decide()
    except NotAllowed:
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
    return redirect("response:plan", plan_id=plan_id)
