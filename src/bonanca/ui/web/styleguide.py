"""`/styleguide/`: shown with BONANCA_DEBUG, and to administrators; for everybody else it does not exist."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse

from bonanca.kernel.clock import utc_now
from bonanca.ui.live import render_page
from bonanca.ui.web.specimens import specimens


def styleguide(request: HttpRequest) -> HttpResponse:
    """Render every component with values of every kind: usual, long, empty, broken."""
    user = getattr(request, "user", None)
    if not (settings.DEBUG or (user is not None and getattr(user, "role", "") == "admin")):
        raise Http404
    if hasattr(request, "_messages") and "messages" in request.GET:
        messages.success(request, "v1 está no ar de novo.")
        messages.error(request, "O servidor de e-mail não respondeu.")
    return render_page(request, "ui/styleguide.html", specimens(utc_now()))


# Ours is the room below access, so the guard is stated rather than imported: the check is in the view.
styleguide.access = "public"  # type: ignore[attr-defined]
