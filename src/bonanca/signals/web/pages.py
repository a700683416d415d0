"""The pages of this room."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission
from bonanca.access.web import page
from bonanca.kernel.clock import utc_now
from bonanca.signals import presentation, queries


@page(Permission.READ)
def objectives(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every objective with its budget and what it allows; what burns; whether the sources can be believed."""
    now = utc_now()
    return render(
        request,
        "signals/objectives.html",
        {
            "rows": [presentation.budget_row(one) for one in queries.budgets(now)],
            "alerts": queries.alerts(state="firing", limit=50),
            "sources": queries.sources(now),
        },
    )
