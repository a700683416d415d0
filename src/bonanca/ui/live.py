"""Live pages: one template a page; its live fragment is a named partial of the same file.

In the template:

    {% load ui partials %}
    <div {% live "status" every=2 %}>{% partialdef status inline %} … {% endpartialdef %}</div>

In the view: `return render_page(request, "incidents/incident.html", context)`. htmx asks the same address and names the
element it refreshes; the same context then renders only that partial, so first render and update cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

_FRAGMENT = re.compile(r"[a-z][a-z0-9_]{0,40}")


def wanted_fragment(request: HttpRequest) -> str | None:
    """Return the name of the fragment that htmx asks for, or None for the whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return None
    target = request.headers.get("HX-Target", "")
    return target if _FRAGMENT.fullmatch(target) else None


def render_page(
    request: HttpRequest, template: str, context: Mapping[str, object] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render the page, or the one fragment of it that a live page asks for. Neither is kept by caches."""
    fragment = wanted_fragment(request)
    name = f"{template}#{fragment}" if fragment else template
    response = render(request, name, dict(context or {}), status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    patch_cache_control(response, no_store=True)
    return response
