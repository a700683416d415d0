"""The guard at the door of every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

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
                return redirect_to_login(request.get_full_path())
            require(actor, least)
            return view(request, actor, *args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def public(view: View) -> View:
    """Let everybody in: the status page, the login page, our assets."""
    view.access = "public"  # type: ignore[attr-defined]
    return view
