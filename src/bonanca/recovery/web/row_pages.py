"""Rows that rollbacks set aside: what became of them, the decisions that wait, and their content for few."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed, NotFound
from bonanca.recovery import queries
from bonanca.recovery.operations.read_rows import FORMATS, read_rows
from bonanca.recovery.operations.settle_rows import settle_rows

# Between table and key in a field of the form; no name of a table holds it.
_BETWEEN = "\x1f"


@page(Permission.READ)
@require_safe
def rows(request: HttpRequest, actor: Actor, set_aside_id: UUID) -> HttpResponse:
    """The list, and the form that settles what waits for a person."""
    found = queries.get_set_aside(set_aside_id)
    context = {
        "list": found,
        "undecided": [(f"{row.table}{_BETWEEN}{row.key}", row) for row in found.undecided],
        "discarded": queries.discarded_rows(set_aside_id),
        "may_act": allowed(actor, Permission.RESPOND, team=queries.team_of(found.service)),
    }
    return render(request, "recovery/rows.html", context)


@page(Permission.RESPOND)
@require_POST
def settle(request: HttpRequest, actor: Actor, set_aside_id: UUID) -> HttpResponse:
    """Apply the chosen rows again, or let them go."""
    chosen = [tuple(value.partition(_BETWEEN)[::2]) for value in request.POST.getlist("row")]
    try:
        settle_rows(
            set_aside_id,
            rows=[(table, key) for table, key in chosen],
            decision=request.POST.get("decision", ""),
            reason=request.POST.get("reason", ""),
            actor=actor,
            now=utc_now(),
        )
    except (NotAllowed, NotFound):
        raise
    except BonancaError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Decided. The audit chain keeps who and why."))
    return redirect("recovery:rows", set_aside_id=set_aside_id)


@page(Permission.RESPOND)
@require_safe
def export(request: HttpRequest, actor: Actor, set_aside_id: UUID, form: str) -> HttpResponse:
    """The rows with their content, as a file."""
    lines = read_rows(set_aside_id, form=form, actor=actor, now=utc_now())
    response = HttpResponse(lines, content_type=FORMATS[form])
    response.headers["Content-Disposition"] = f'attachment; filename="set-aside-{set_aside_id}.{form}"'
    response.headers["Cache-Control"] = "no-store"
    return response
