"""The plans: a list, one plan live, and what a person can do about it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.durable import presentation, queries
from bonanca.durable.operations.abort_plan import abort_plan
from bonanca.durable.operations.cancel_plan import cancel_plan
from bonanca.durable.operations.pause_plan import pause_plan
from bonanca.durable.operations.resume_plan import resume_plan
from bonanca.durable.operations.retry_plan import retry_plan
from bonanca.durable.operations.skip_step import skip_step
from bonanca.durable.operations.undo_plan import undo_plan
from bonanca.durable.web.forms import SkipForm
from bonanca.ui.live import render_page, wanted_fragment

_VERBS = {
    "retry": retry_plan,
    "undo": undo_plan,
    "cancel": cancel_plan,
    "pause": pause_plan,
    "resume": resume_plan,
    "abort": abort_plan,
}


@page(Permission.READ)
@require_GET
def plans(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The newest plans."""
    return render_page(request, "durable/plans.html", {"runs": queries.list_runs(limit=50)})


@page(Permission.READ)
@require_GET
def plan(request: HttpRequest, actor: Actor, run_id: UUID) -> HttpResponse:
    """One plan; its list of steps refreshes itself. The panel on another room's page refreshes itself from here too."""
    context: dict[str, object] = {"plan": presentation.progress(queries.get_run(run_id), actor)}
    if wanted_fragment(request) == f"plan_{run_id.hex}":
        return render(request, "durable/progress_panel.html", context)
    if "skip" in request.GET:
        context["skip_form"] = SkipForm()
    return render_page(request, "durable/plan.html", context)


@page(Permission.RESPOND)
@require_POST
def act(request: HttpRequest, actor: Actor, run_id: UUID, verb: str) -> HttpResponse:
    """Steer the plan; then the page of the plan that this is about now."""
    operation = _VERBS.get(verb)
    if operation is None:
        raise Http404
    run = operation(run_id, actor=actor, now=presentation.clock())
    return redirect("durable:plan", run_id=run.id)


@page(Permission.COMMAND)
@require_POST
def skip(request: HttpRequest, actor: Actor, run_id: UUID) -> HttpResponse:
    """Leave a step out, for a reason that a person gives."""
    step, reason = request.POST.get("step", ""), request.POST.get("reason", "")
    skip_step(run_id, step, reason=reason, actor=actor, now=presentation.clock())
    return redirect("durable:plan", run_id=run_id)
