"""The page behind the link of a message: it shows what is to be approved, and only a button approves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bonanca.access.operations.limit_attempts import Limited, forget_attempt, reserve_attempt
from bonanca.access.operations.sign_in import network_of
from bonanca.access.web import public
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import BonancaError
from bonanca.response.operations.approve_by_link import LinkInvalid, approve_by_link, invitation_of

# An office behind one address reads its mail; who guesses signatures needs far more.
PER_ADDRESS = 30


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, token: str) -> HttpResponse:
    """Show the plan (GET changes nothing), approve it (POST)."""
    now, address = utc_now(), request.META.get("REMOTE_ADDR", "")
    try:
        reserved = reserve_attempt({f"approval:{network_of(address)}": PER_ADDRESS}, now=now)
    except Limited as limited:
        words = {"message": _("Too many links that do not work were tried from here."), "hint": _("Try again later.")}
        response = _page(request, {"refused": words}, 429)
        response.headers["Retry-After"] = str(limited.retry_after_s)
        return response
    try:
        found = invitation_of(token, now=now)
    except LinkInvalid as refused:
        return _page(request, {"refused": refused}, 404)
    forget_attempt(reserved)
    if request.method != "POST":
        return _page(request, {"plan": found.plan, "who": found.actor.name}, 200)
    try:
        plan = approve_by_link(token, override_reason=request.POST.get("override_reason", ""), now=now)
    except BonancaError as refused:
        return _page(request, {"plan": found.plan, "who": found.actor.name, "problem": refused}, 409)
    return _page(request, {"approved": plan}, 200)


def _page(request: HttpRequest, context: dict[str, object], status: int) -> HttpResponse:
    response = render(request, "response/approve_link.html", context, status=status)
    # The address is a secret: it goes to no other site, and the form still reaches us with its origin.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
