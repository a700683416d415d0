"""Changes: what is to be shipped, whether it may, what it brings."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, allowed
from bonanca.access.web import page
from bonanca.catalog.queries import list_services
from bonanca.delivery import queries
from bonanca.delivery.operations.evaluate_gates import evaluate_gates
from bonanca.delivery.operations.propose_change import propose_change
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError, NotAllowed
from bonanca.ui.live import render_page


class ProposeForm(forms.Form):
    """Which version of which service."""

    service = forms.ChoiceField(label=_("Service"))
    version = forms.CharField(label=_("Version"), max_length=100, help_text=_("A tag, branch or commit."))
    title = forms.CharField(label=_("What does it bring?"), max_length=200, required=False)


@page(Permission.READ)
@require_safe
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every change, newest first."""
    return render_page(request, "delivery/changes.html", {"changes": queries.recent_changes()})


@page(Permission.READ)
@require_safe
def change(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """One change with its gates, its contents and its plans."""
    found = queries.by_number(number)
    context = {
        "change": found,
        "contents": queries.contents(found),
        "may_act": allowed(actor, Permission.RESPOND, team=found.team),
    }
    return render_page(request, "delivery/change.html", context)


@page(Permission.READ)
@require_safe
def by_id(request: HttpRequest, actor: Actor, change_id: UUID) -> HttpResponse:
    """The page of a change that is known by its id."""
    return redirect("delivery:change", number=queries.get_change(change_id).number)


@page(Permission.RESPOND)
@require_POST
def gates(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Ask the gates again."""
    evaluate_gates(queries.by_number(number).id, actor=actor, now=utc_now())
    return redirect("delivery:change", number=number)


@page(Permission.RESPOND)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Propose a change."""
    services = [
        (s.slug, s.name)
        for s in list_services()
        if s.repository is not None and allowed(actor, Permission.RESPOND, team=s.team_slug)
    ]
    form = ProposeForm(request.POST or None, initial={"service": request.GET.get("service", "")})
    field = form.fields["service"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = services
    if request.method == "POST" and form.is_valid():
        try:
            proposed = propose_change(**form.cleaned_data, actor=actor, now=utc_now())
        except NotAllowed:
            raise
        except BonancaError as refused:
            name = {"ref": "version"}.get(refused.field or "", refused.field)
            form.add_error(name if name in form.fields else None, refused.message)
        else:
            return redirect("delivery:change", number=proposed.number)
    context = {"form": form, "services": services}
    return render(request, "delivery/new.html", context, status=422 if form.errors else 200)
