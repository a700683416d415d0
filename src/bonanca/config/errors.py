"""Domain refusals as HTTP answers, for pages and for the API."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from bonanca.kernel.errors import HTTP_STATUS, BonancaError


def api_error(error: BonancaError) -> JsonResponse:
    """Return the refusal as JSON: what was wrong, which field, what to do next."""
    body = {"code": error.code, "message": error.message, "field": error.field, "hint": error.hint}
    return JsonResponse({"error": body}, status=HTTP_STATUS[error.code])


class DomainErrorMiddleware:
    """Show a refusal that a view did not turn into a form error as a page of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, BonancaError):
            return None
        if request.path.startswith("/api/"):
            return api_error(exception)
        return render(request, "ui/refused.html", {"error": exception}, status=HTTP_STATUS[exception.code])
