"""The resume-everything procedure, and exercises that walk through it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.recovery.operations.finish_exercise import finish_exercise
from bonanca.recovery.operations.start_exercise import start_exercise
from bonanca.recovery.operations.tick_step import begin_step, tick_step
from bonanca.recovery.procedure_text import markdown, warning_words
from bonanca.recovery.queries.exercises import exercises_status, get_exercise, list_exercises
from bonanca.recovery.queries.own import own_status
from bonanca.recovery.queries.procedure import FILE_NAME, procedure_copies
from bonanca.recovery.queries.procedure import procedure as made
from bonanca.ui.live import render_page


@page(Permission.READ)
@require_safe
def procedure(request: HttpRequest, actor: Actor) -> HttpResponse:
    """How everything comes back, in order; where this lies beside the backups; exercises."""
    now = utc_now()
    found = made(now)
    context = {
        "procedure": found,
        "warnings": [warning_words(text) for text in found.warnings],
        "steps": [(step, [warning_words(text) for text in step.warnings]) for step in found.steps],
        "copies": procedure_copies(),
        "own": own_status(now),
        "status": exercises_status(now),
        "exercises": list_exercises(10),
        "file_name": FILE_NAME,
        "why_not": _why_not(actor),
    }
    return render(request, "recovery/procedure.html", context)


@page(Permission.READ)
@require_safe
def as_markdown(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The same as the file that lies beside the backups, in the reader's language."""
    answer = HttpResponse(markdown(made(utc_now())), content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return answer


@page(Permission.READ)
@require_safe
def exercise(request: HttpRequest, actor: Actor, exercise_id: UUID) -> HttpResponse:
    """One exercise; its steps refresh by themselves while a worker restores."""
    context = {"exercise": get_exercise(exercise_id), "why_not": _why_not(actor)}
    return render_page(request, "recovery/exercise.html", context)


@page(Permission.READ)
@require_POST
def start(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Begin an exercise; the operation checks who may."""
    return redirect("recovery:exercise", start_exercise(actor=actor, now=utc_now()).id)


@page(Permission.READ)
@require_POST
def begin(request: HttpRequest, actor: Actor, exercise_id: UUID, number: int) -> HttpResponse:
    """Begin a step; the operation checks who may."""
    begin_step(exercise_id=exercise_id, number=number, actor=actor, now=utc_now())
    return redirect("recovery:exercise", exercise_id)


@page(Permission.READ)
@require_POST
def tick(request: HttpRequest, actor: Actor, exercise_id: UUID, number: int) -> HttpResponse:
    """Say what became of a step; the operation checks who may."""
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "")
    tick_step(exercise_id=exercise_id, number=number, outcome=outcome, note=note, actor=actor, now=utc_now())
    return redirect("recovery:exercise", exercise_id)


@page(Permission.READ)
@require_POST
def finish(request: HttpRequest, actor: Actor, exercise_id: UUID) -> HttpResponse:
    """End an exercise; the operation checks who may."""
    abandon, note = request.POST.get("how") == "abandon", request.POST.get("note", "")
    finish_exercise(exercise_id=exercise_id, note=note, abandon=abandon, actor=actor, now=utc_now())
    return redirect("recovery:exercise", exercise_id)


def _why_not(actor: Actor) -> str:
    return "" if allowed(actor, Permission.COMMAND) else _("This needs a commander.")
