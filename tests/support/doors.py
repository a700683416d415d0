"""For tests: every door of the house, found by looking, so that none can be forgotten.

`doors()` lists all pages and API operations; `knock(client, door)` calls one as whoever the client is signed in as.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_type_hints
from uuid import UUID

from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from ninja import NinjaAPI

API_ROOT = "/api/v1"
UNKNOWN_ID = str(UUID("01930000-0000-7000-8000-000000000000"))
_CONVERTER = re.compile(r"<(?:(?P<kind>[a-z_]+):)?(?P<name>[a-z_]+)>")
_BRACES = re.compile(r"\{(?:(?P<kind>[a-z_]+):)?(?P<name>[a-z_]+)\}")


@dataclass(frozen=True)
class Door:
    """One way in. `access` is a Permission of `@page`, "public", "token" or "token:<scope>", None when nobody said.

    A view outside `/api/v1` that authenticates by token itself says so: `view.access = "token:alerts"`.
    """

    kind: str
    path: str
    method: str
    name: str
    access: str | None


def doors() -> tuple[Door, ...]:
    """Every page (GET) and every API operation, with parameters filled by values that name nothing."""
    pages = tuple(_pages(get_resolver().url_patterns, "/"))
    return pages + tuple(_operations())


def unguarded() -> tuple[Door, ...]:
    """The doors that carry neither `@page` nor `@public` nor an authentication."""
    return tuple(door for door in doors() if door.access is None)


def knock(client: Client, door: Door) -> HttpResponse:
    """Call the door; a body is an empty JSON object."""
    body = b"" if door.method == "GET" else b"{}"
    response: HttpResponse = client.generic(door.method, door.path, data=body, content_type="application/json")  # type: ignore[assignment]
    return response


def _pages(patterns: list[Any], prefix: str) -> Iterator[Door]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^/").rstrip("$")
        if isinstance(pattern, URLResolver):
            if not route.startswith(API_ROOT):
                yield from _pages(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and not route.startswith(API_ROOT):
            yield Door("page", _filled(route, _CONVERTER), "GET", _name(pattern.callback), _access(pattern.callback))


def _operations() -> Iterator[Door]:
    from bonanca.config.api import api  # the one place above the rooms that knows them all

    yield from _of_api(api)


def _of_api(api: NinjaAPI) -> Iterator[Door]:
    for router in api._get_bound_routers():
        prefix = router.prefix
        for path, view in router.path_operations.items():
            for operation in view.operations:
                said = _access(operation.view_func)
                guarded = said or ("token" if operation.auth_callbacks else None)
                full = "/".join(part.strip("/") for part in (API_ROOT, prefix, path) if part.strip("/"))
                tail = "/" if path.endswith("/") and path != "/" else ""
                for method in sorted(operation.methods):
                    filled = _filled("/" + full.lstrip("/") + tail, _BRACES, _kinds(operation.view_func))
                    yield Door("api", filled, method, _name(operation.view_func), guarded)


def _access(view: Callable[..., Any] | None) -> str | None:
    """What the view's decorator said, also through decorators around it and class-based `as_view`."""
    while view is not None:
        said = getattr(view, "access", None)
        if said is not None:
            return str(said)
        view = getattr(view, "__wrapped__", None)
    return None


def _name(view: Callable[..., Any]) -> str:
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__name__)}"


def _kinds(view: Callable[..., Any]) -> dict[str, str]:
    """An API path's parameters have their kind in the function's annotations."""
    words = {UUID: "uuid", int: "int"}
    return {name: words[hint] for name, hint in get_type_hints(view).items() if hint in (UUID, int)}


def _filled(route: str, pattern: re.Pattern[str], kinds: Mapping[str, str] = MappingProxyType({})) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group("name")
        kind = match.group("kind") or kinds.get(name)
        if kind and kind.startswith("uuid"):
            return UNKNOWN_ID
        return "999999" if kind == "int" else "unknown"

    return pattern.sub(value, route)
