"""The answers that say no: a page for people, JSON for programs, both with the next thing to do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bonanca.kernel.errors import BonancaError, Invalid, NotAllowed, NotFound

API = "/api/"


def refuse(request: HttpRequest, error: BonancaError, status: int, *, code: str | None = None) -> HttpResponse:
    """Return the refusal in the form that the caller reads; `code` where HTTP knows more than the domain."""
    if request.path.startswith(API):
        body = {"code": code or error.code, "message": error.message, "field": error.field, "hint": error.hint}
        return JsonResponse({"error": body}, status=status)
    return render(request, "ui/refused.html", {"error": error}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django could not make sense of the request."""
    return refuse(request, BonancaError(_("The request cannot be read.")), 400, code="bad_request")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return refuse(request, NotAllowed(_("You may not do this.")), 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return refuse(request, NotFound(_("There is no page at this address.")), 404)


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """405: the address exists, for other methods."""
    error = BonancaError(
        _("This address does not take %(method)s.") % {"method": request.method},
        hint=_("It takes: %(allowed)s.") % {"allowed": allowed} if allowed else None,
    )
    response = refuse(request, error, 405, code="method_not_allowed")
    if allowed:
        response.headers["Allow"] = allowed
    return response


def unauthenticated(request: HttpRequest) -> HttpResponse:
    """401 of the API: nobody, or a token that is unknown, expired, revoked or of another scope."""
    presented = "Authorization" in request.headers
    error = NotAllowed(
        _("The token is not valid here: unknown, expired, revoked or of another scope.")
        if presented
        else _("This needs a token, or a signed-in session."),
        hint=_("Send `Authorization: Bearer bnc_…`; `bonanca token create` makes one."),
    )
    response = refuse(request, error, 401, code="unauthenticated")
    response.headers["WWW-Authenticate"] = 'Bearer realm="bonanca"'
    return response


def unstorable() -> Invalid:
    """Return how a text is refused that the database could not take."""
    return Invalid(_("A text is too long, or holds a character that cannot be stored."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500: recorded with its traceback by Django's logger."""
    return refuse(request, BonancaError(_("Something broke on our side. It has been recorded.")), 500)
