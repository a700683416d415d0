"""Desired state in, Traefik's static and dynamic configuration out. Pure functions.

The documents are JSON, which is YAML too: a serializer quotes better than a template does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonanca.actuators.gateway.wire import Desired, Directive, Route, Share

DIRECTIVE_HEADER = "X-Bonanca-Directive"
UNROUTED = "none"
RETRY = "retry-unsent"
POLITE = "polite"
# Seconds that an open breaker answers by itself before it lets some through, and until it lets all through.
BREAK_S = 10
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
    shared = {d.service: d.shares for d in desired.directives if d.kind == "weights" and d.service not in elsewhere}
    breakers = [d for d in desired.directives if d.kind == "breaker"]
    middlewares |= {_breaking(d.mark): _breaker(d.threshold_percent) for d in breakers}
    for service, routes in _by_service(desired).items():
        broken = [d for d in breakers if d.service == service]
        for index, route in enumerate(routes):
            name = _numbered(f"svc-{service}", index)
            if service in shared:
                services |= _weighted(name, shared[service], route.health_path)
            else:
                backends = elsewhere.get(service, route.backends)
                services[name] = _balancer([b.url for b in backends], route.health_path)
            whole = [_breaking(d.mark) for d in broken if d.match is None]
            # The breaker judges what visitors get: outside the retries.
            routers[name] = _router(_route_rule(route), _weight(route), name, [*whole, RETRY])
            for turn, part in enumerate((d for d in broken if d.match is not None), start=1):
                # A router more of the same service, counted with the others.
                more = _numbered(f"svc-{service}", len(routes) * turn + index)
                rule, priority = _contained(route, part)
                routers[more] = _router(rule, priority, name, [*whole, _breaking(part.mark), RETRY])
    for directive in (d for d in desired.directives if d.kind in ("maintenance", "disable")):
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
    # A path has at most 200 characters: a door that is closed goes before every breaker of a part.
    band = 1 if directive.kind == "breaker" else 500
    return f"{rule} && {_closed_rule(directive.match)}", _weight(route) + band + len(directive.match)


def _marking(mark: str) -> str:
    return f"mark-{mark}"


def _mark(mark: str) -> dict[str, Any]:
    # Traefik sets it over whatever the visitor sent, so a visitor cannot choose the page.
    return {"headers": {"customRequestHeaders": {DIRECTIVE_HEADER: mark}}}


def _breaking(mark: str) -> str:
    return f"break-{mark}"


def _breaker(threshold_percent: int) -> dict[str, Any]:
    ratio = threshold_percent / 100
    return {
        "circuitBreaker": {
            "expression": f"ResponseCodeRatio(500, 600, 0, 600) > {ratio:.2f} || NetworkErrorRatio() > {ratio:.2f}",
            "checkPeriod": "100ms",
            "fallbackDuration": f"{BREAK_S}s",
            "recoveryDuration": f"{BREAK_S}s",
            "responseCode": 503,
        }
    }


def _weighted(name: str, shares: tuple[Share, ...], health_path: str | None) -> dict[str, Any]:
    """Return a service that divides requests, and one balancer for each share that gets any."""
    parts = {f"{name}.share{n}": share for n, share in enumerate(shares) if share.weight}
    whole: dict[str, Any] = {"services": [{"name": part, "weight": share.weight} for part, share in parts.items()]}
    if health_path is not None:
        # A share whose replicas are all ill gives its requests to the others.
        whole["healthCheck"] = {}
    balancers = {part: _balancer([b.url for b in share.backends], health_path) for part, share in parts.items()}
    return {name: {"weighted": whole}, **balancers}


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
