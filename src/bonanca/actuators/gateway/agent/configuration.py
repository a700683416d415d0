"""Desired state in, Traefik's static and dynamic configuration out. Pure functions.

The documents are JSON, which is YAML too: a serializer quotes better than a template does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonanca.actuators.gateway.wire import Desired, Directive, Route

DIRECTIVE_HEADER = "X-Bonanca-Directive"
UNROUTED = "none"
RETRY = "retry-unsent"
POLITE = "polite"
SLASH = "(?:/|%2[Ff])+"


@dataclass(frozen=True)
class Ports:
    """Where one gateway listens: `entry` for visitors, the others on loopback."""

    entry: int
    metrics: int
    api: int


def static_configuration(*, entry_host: str, ports: Ports, folder: Path) -> str:
    """Return Traefik's start configuration: three entry points, one file provider, no dashboard, no telemetry."""
    bracketed = f"[{entry_host}]" if ":" in entry_host else entry_host
    # X_Forwarded_For and the like reach WSGI applications as the header that Traefik manages.
    http = {"aliasHeadersStrategy": "delete"}
    document = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "web": {
                "address": f"{bracketed}:{ports.entry}",
                "http": http,
                "transport": {"lifeCycle": {"graceTimeOut": "2s"}},
            },
            # Of this name, because Traefik opens its own 'traefik' entry point on every address otherwise.
            "traefik": {"address": f"127.0.0.1:{ports.api}", "http": http},
            "metrics": {"address": f"127.0.0.1:{ports.metrics}", "http": http},
        },
        "api": {"insecure": True, "dashboard": False},
        "ping": {"entryPoint": "traefik"},
        "providers": {
            "file": {"filename": str(dynamic_file(folder)), "watch": True},
            # The default of 2 s is how long a containment would wait behind the change before it.
            "providersThrottleDuration": "50ms",
        },
        "metrics": {
            "prometheus": {
                "entryPoint": "metrics",
                "addEntryPointsLabels": True,
                "addRoutersLabels": True,
                "addServicesLabels": True,
                "buckets": [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
            }
        },
        # Below the 5 s after which common application servers close an idle connection: no request meets a closed one.
        "serversTransport": {"forwardingTimeouts": {"dialTimeout": "2s", "idleConnTimeout": "3s"}},
        "log": {
            "level": "WARN",
            "filePath": str(folder / "traefik.log"),
            "maxSize": 5,
            "maxBackups": 2,
            "maxAge": 14,
        },
    }
    return json.dumps(document, indent=2)


def dynamic_file(folder: Path) -> Path:
    """Return the file that Traefik watches; its folder holds nothing else, so no other write wakes the watcher."""
    return folder / "dynamic" / "gateway.yml"


def dynamic_configuration(desired: Desired, *, polite_port: int) -> dict[str, Any]:
    """Return Traefik's dynamic configuration for a checked state whose expired directives are already out."""
    routers: dict[str, Any] = {"fallback": _router("PathPrefix(`/`)", 1, POLITE, [_marking(UNROUTED)])}
    services: dict[str, Any] = {POLITE: _balancer([f"http://127.0.0.1:{polite_port}"], None)}
    middlewares: dict[str, Any] = {
        _marking(UNROUTED): _mark(UNROUTED),
        # Attempts where nothing was sent (connection refused) go to another replica, any method. A request that
        # was sent is never sent again: the replica may have done what it asked. Measured with Traefik 3.7.15.
        RETRY: {"retry": {"attempts": 4, "initialInterval": "50ms"}},
    }
    # A redirected service keeps its routers, so that its requests go on being counted for what they are.
    elsewhere = {d.service: d.backends for d in desired.directives if d.kind == "redirect"}
    for service, routes in _by_service(desired).items():
        for index, route in enumerate(routes):
            name = _numbered(f"svc-{service}", index)
            backends = elsewhere.get(service, route.backends)
            services[name] = _balancer([b.url for b in backends], route.health_path)
            routers[name] = _router(_route_rule(route), _weight(route), name, [RETRY])
    for directive in (d for d in desired.directives if d.kind != "redirect"):
        middlewares[_marking(directive.mark)] = _mark(directive.mark)
        for index, route in enumerate(_by_service(desired).get(directive.service, ())):
            name = _numbered(f"contain-{directive.service}-{directive.mark}", index)
            routers[name] = _router(*_contained(route, directive), POLITE, [_marking(directive.mark)])
    return {"http": {"routers": routers, "middlewares": middlewares, "services": services}}


def _by_service(desired: Desired) -> dict[str, list[Route]]:
    found: dict[str, list[Route]] = {}
    for route in desired.routes:
        found.setdefault(route.service, []).append(route)
    return found


def _numbered(name: str, index: int) -> str:
    # A dot never occurs in a slug, so 'svc-loja.1' cannot be the service 'loja-1'.
    return name if index == 0 else f"{name}.{index}"


def _path_rule(prefix: str) -> str:
    """Match whole segments: /checkout and /checkout/pay, not /checkout-help."""
    bare = prefix.rstrip("/")
    return f"(Path(`{bare}`) || PathPrefix(`{bare}/`))" if bare else "PathPrefix(`/`)"


def _closed_rule(prefix: str) -> str:
    """As `_path_rule`, and also with %2F for a slash or a `;parameter`: applications that decode these would answer."""
    segments = [re.escape(segment) for segment in prefix.rstrip("/").split("/")[1:]]
    if not segments:
        return "PathPrefix(`/`)"
    return f"PathRegexp(`^{SLASH}{SLASH.join(segments)}(?:{SLASH}|;|%3[Bb]|$)`)"


def _route_rule(route: Route) -> str:
    path = _path_rule(route.path_prefix)
    return f"Host(`{route.host}`) && {path}" if route.host else path


def _weight(route: Route) -> int:
    # A host is more specific than any path; below a route's own thousand is room for its directives.
    return 1000 * (1 + len(route.path_prefix.rstrip("/")) + (1000 if route.host else 0))


def _contained(route: Route, directive: Directive) -> tuple[str, int]:
    """Return rule and priority: above its own route, below a more specific route of another service."""
    rule = _route_rule(route)
    if directive.match is None:
        # Maintenance of the whole says more than one closed door does.
        return rule, _weight(route) + 999
    return f"{rule} && {_closed_rule(directive.match)}", _weight(route) + 1 + len(directive.match)


def _marking(mark: str) -> str:
    return f"mark-{mark}"


def _mark(mark: str) -> dict[str, Any]:
    # Traefik sets it over whatever the visitor sent, so a visitor cannot choose the page.
    return {"headers": {"customRequestHeaders": {DIRECTIVE_HEADER: mark}}}


def _router(rule: str, priority: int, service: str, middlewares: list[str]) -> dict[str, Any]:
    # Every router names a middleware: an empty list or map makes Traefik refuse the file silently.
    return {
        "rule": rule,
        "priority": priority,
        "service": service,
        "middlewares": middlewares,
        "entryPoints": ["web"],
    }


def _balancer(urls: list[str], health_path: str | None) -> dict[str, Any]:
    balancer: dict[str, Any] = {"servers": [{"url": url} for url in urls], "passHostHeader": True}
    if health_path is not None:
        balancer["healthCheck"] = {
            "path": health_path,
            "interval": "1s",
            # A replica that comes back is used again within a quarter of a second.
            "unhealthyInterval": "250ms",
            "timeout": "2s",
        }
    return {"loadBalancer": balancer}
