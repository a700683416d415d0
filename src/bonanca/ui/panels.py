"""Panels: how a page shows another room's data without importing that room.

A room registers in its `panels.py`, which its AppConfig imports at start:

    @panel("signals:budget")
    def budget(ctx: PanelContext, *, service: str) -> PanelContent | None:
        return "signals/panels/budget.html", {"budget": queries.budget(service, ctx.now)}

A page places it with `{% load ui %}{% panel "signals:budget" service=incident.service %}`. It is rendered in the same
request. None means "nothing to show". A panel that fails costs its own card, never the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import NotAllowed

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PanelContext:
    """What a panel knows about where it is shown. `actor` is an access Actor, or None on a public page."""

    request: HttpRequest
    actor: Any
    now: datetime


PanelContent: TypeAlias = tuple[str, Mapping[str, object]]
_P = TypeVar("_P", bound=Callable[..., PanelContent | None])

_PANELS: dict[str, Callable[..., PanelContent | None]] = {}


def panel(name: str) -> Callable[[_P], _P]:
    """Register the function under `room:name`. Two different functions of one name are a mistake.

    Raises:
        ValueError: the name has no room, or is taken.
    """
    if ":" not in name:
        raise ValueError(f"panel {name!r}: expected 'room:name'")

    def register(function: _P) -> _P:
        known = _PANELS.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"panel {name!r} is already registered by {known.__module__}")
        _PANELS[name] = function
        return function

    return register


def registered() -> tuple[str, ...]:
    """Return the names of every panel, sorted."""
    return tuple(sorted(_PANELS))


def render_panel(name: str, request: HttpRequest, /, **kwargs: object) -> SafeString:
    """Return the panel's HTML; nothing for an unknown one or one that the person may not see."""
    function = _PANELS.get(name)
    if function is None:
        # Rooms are deepened one by one: a page may already have a place for a panel that does not exist yet.
        return format_html("<!-- no panel {} -->", name) if settings.DEBUG else mark_safe("")
    context = PanelContext(request=request, actor=getattr(request, "_actor", None), now=utc_now())
    try:
        content = function(context, **kwargs)
        if content is None:
            return mark_safe("")
        template, values = content
        return render_to_string(template, dict(values), request=request)
    except NotAllowed:
        return mark_safe("")
    except Exception:
        log.exception("panel failed", panel=name)
        return render_to_string("ui/components/panel_failed.html", {"name": name})
