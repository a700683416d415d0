"""Per request: security headers, and the person's language and time zone."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from bonanca.access.web.refusals import API, method_not_allowed, unauthenticated

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

Next = Callable[[HttpRequest], HttpResponse]


class SecurityHeadersMiddleware:
    """Nothing inline, nothing from elsewhere, in no frame."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class PersonMiddleware:
    """Speak the person's language and show the person's time."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            language, zone = user.locale, user.time_zone
        else:
            language, zone = translation.get_language_from_request(request), "America/Sao_Paulo"
        with translation.override(language), timezone.override(ZoneInfo(zone)):
            request.LANGUAGE_CODE = language
            response = _explained(request, self.get_response(request))
        response.headers.setdefault("Content-Language", language)
        if user.is_authenticated:
            # What one person may see must not wait in a shared cache for the next one.
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


def _explained(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Give words to the refusals that the frameworks send without any."""
    if response.status_code == 405 and (not getattr(response, "content", b"") or request.path.startswith(API)):
        return method_not_allowed(request, response.headers.get("Allow", ""))
    if response.status_code == 401 and request.path.startswith(API) and "error" not in _names(response):
        return unauthenticated(request)
    return response


def _names(response: HttpResponse) -> str:
    return response.content[:20].decode("utf-8", "replace") if hasattr(response, "content") else ""
