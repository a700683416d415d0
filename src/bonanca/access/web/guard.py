"""The guard at the door of every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from bonanca.access.actors import Actor, person
from bonanca.access.permissions import Permission, require

View = Callable[..., HttpResponse]


def actor_of(request: HttpRequest) -> Actor | None:
    """Return the signed-in person of a page request, or None."""
    known: Actor | None = getattr(request, "_actor", None)
    if known is None and request.user.is_authenticated:
        known = person(request.user)
        request._actor = known  # type: ignore[attr-defined]
    return known


def page(permission: Permission) -> Callable[[View], View]:
    """Let in only signed-in people with the permission; the view receives the actor after the request.

    RESPOND is checked by the operation, which knows whose service it is: here it asks for a reader.
    """
    least = Permission.READ if permission is Permission.RESPOND else permission

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            actor = actor_of(request)
            if actor is None:
                return _to_login(request)
            require(actor, least)
            return view(request, actor, *args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def _to_login(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request") != "true":
        return redirect_to_login(request.get_full_path())
    # The session ended under an open page: the whole page goes to the login, not a login form into a fragment.
    shown = request.headers.get("HX-Current-URL", "")
    target = "/"
    if url_has_allowed_host_and_scheme(shown, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        parts = urlsplit(shown)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    response = HttpResponse(status=401)
    response.headers["HX-Redirect"] = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}"
    return response


def public(view: View) -> View:
    """Let everybody in: the status page, the login page, our assets."""
    view.access = "public"  # type: ignore[attr-defined]
    return view
