"""Domain refusals as HTTP answers, for pages and for the API."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from bonanca.access.web.refusals import unstorable
from bonanca.kernel.errors import HTTP_STATUS, BonancaError

# What PostgreSQL cannot store: a NUL, half a character, more than a field holds. Its transaction was undone.
UNSTORABLE = (DataError, UnicodeEncodeError)


def refusal_of(problem: Exception) -> BonancaError | None:
    """Return how a caller is told of an expected failure; None for a defect of ours."""
    if isinstance(problem, BonancaError):
        return problem
    if isinstance(problem, UNSTORABLE):
        return unstorable()
    return None


def api_error(error: BonancaError, *, status: int | None = None) -> JsonResponse:
    """Return the refusal as JSON: what was wrong, which field, what to do next."""
    body = {"code": error.code, "message": error.message, "field": error.field, "hint": error.hint}
    return JsonResponse({"error": body}, status=status or HTTP_STATUS[error.code])


class DomainErrorMiddleware:
    """Show a refusal that a view did not turn into a form error as a page of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        refused = refusal_of(exception)
        if refused is None:
            return None
        if request.path.startswith("/api/"):
            return api_error(refused)
        return render(request, "ui/refused.html", {"error": refused}, status=HTTP_STATUS[refused.code])
