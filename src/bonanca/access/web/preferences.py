"""Preferences that a browser keeps, so that pages for nobody in particular look as chosen too."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse

from bonanca.ui.navigation import THEME_COOKIE, THEMES

YEAR_S = 365 * 86_400


def remember(response: HttpResponse, *, locale: str | None = None, theme: str | None = None) -> HttpResponse:
    """Store language and theme in the browser for a year; the theme `auto` follows the system."""
    secure = bool(settings.SESSION_COOKIE_SECURE)
    if locale is not None:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, locale, max_age=YEAR_S, secure=secure, httponly=True, samesite="Lax"
        )
    if theme in THEMES:
        # Read by the theme switch's script.
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_S, secure=secure, samesite="Lax")
    elif theme is not None:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response
