"""What web and the gateway agent say to each other, and what neither may say.

No Django here: the agent on an edge host imports this module too. Every text that ends in a Traefik
rule is matched against a closed alphabet (Traefik's rules are a language: a backquote would end the
literal and begin an expression).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

import msgspec

from bonanca.kernel.typed import decode

Kind = Literal["maintenance", "disable", "redirect", "weights", "breaker"]

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")
# Unreserved characters of RFC 3986 and the harmless delimiters: nothing that quotes, escapes, globs or splits.
PATH = re.compile(r"/(?:[A-Za-z0-9._~@:+,=-]+(?:/[A-Za-z0-9._~@:+,=-]+)*/?)?\Z")
BACKEND = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?\Z")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

PATH_MAX = 200
MESSAGE_MAX = 1000
RETRY_AFTER_MAX_S = 86_400
WEIGHT_MAX = 1000
KEY_MAX = 200
# More than one edge host could mean; a document beyond this is a mistake, not a desired state.
DOCUMENT_MAX_BYTES = 4 * 1024 * 1024


class DesiredRefused(Exception):
    """The desired state cannot be applied; the text says which part and why. The one before stays."""


class Backend(msgspec.Struct, frozen=True):
    """One replica: scheme, host and port, without a path."""

    url: str


class Route(msgspec.Struct, frozen=True):
    """A service's share of the gateway: requests of `host` (any when None) under `path_prefix`."""

    service: str
    path_prefix: str
    backends: tuple[Backend, ...]
    host: str | None = None
    health_path: str | None = None


class Share(msgspec.Struct, frozen=True):
    """A part of a service's requests, in proportion to the other shares' weights, balanced over `backends`."""

    weight: int
    backends: tuple[Backend, ...]


class Directive(msgspec.Struct, frozen=True):
    """One containment: requests of `service` under `match` (all when None) get the polite page until `expires_at`.

    A `redirect` sends all of them to `backends` instead: the redundant site. `weights` divides them among `shares`.
    A `breaker` answers 503 for a few seconds whenever more than `threshold_percent` of the answers were failures.
    """

    key: str
    service: str
    kind: Kind
    message: str
    retry_after_s: int
    expires_at: datetime
    match: str | None = None
    backends: tuple[Backend, ...] = ()
    shares: tuple[Share, ...] = ()
    threshold_percent: int = 0

    @property
    def mark(self) -> str:
        """Return the 12 hex digits by which router, counters and page name this directive."""
        return sha256(self.key.encode()).hexdigest()[:12]


class Desired(msgspec.Struct, frozen=True):
    """All that a gateway should do. Two of one version are equal."""

    gateway: str
    version: int
    routes: tuple[Route, ...] = ()
    directives: tuple[Directive, ...] = ()

    def at(self, now: datetime) -> Desired:
        """Return this state without what has expired at `now`."""
        alive = tuple(d for d in self.directives if d.expires_at > now)
        return self if len(alive) == len(self.directives) else msgspec.structs.replace(self, directives=alive)

    def next_expiry(self, now: datetime) -> datetime | None:
        """Return when the next directive ends, None when nothing is left to end."""
        return min((d.expires_at for d in self.directives if d.expires_at > now), default=None)


class Applied(msgspec.Struct, frozen=True):
    """The agent's report: what is live in its Traefik and where it can be reached."""

    gateway: str
    version: int
    applied_at: datetime
    entry_url: str
    metrics_url: str
    host: str
    pid: int
    refused: str = ""


def slug_fault(value: str) -> str | None:
    """Say why `value` cannot name a service or gateway, None when it can."""
    return (
        None if SLUG.match(value) else f"'{value[:80]}' is not a slug: lower-case letters, digits and '-' (at most 63)"
    )


def path_fault(value: str) -> str | None:
    """Say why `value` cannot be matched as a path prefix, None when it can."""
    if len(value) > PATH_MAX:
        return f"path prefix of {len(value)} characters: at most {PATH_MAX} are taken"
    if not PATH.match(value):
        allowed = "letters, digits, . _ ~ @ : + , = - and single '/'"
        return f"path prefix '{value[:80]}' must begin with '/' and hold only {allowed}"
    if {".", ".."} & set(value.split("/")):
        return f"path prefix '{value[:80]}' must not hold '.' or '..' segments"
    return None


def host_fault(value: str) -> str | None:
    """Say why `value` cannot be matched as a host name, None when it can."""
    return None if HOST.match(value) else f"host '{value[:80]}' is not a lower-case host name without port"


def backend_fault(value: str) -> str | None:
    """Say why `value` cannot be a replica's address, None when it can."""
    found = BACKEND.match(value)
    port = value.rsplit(":", 1)[-1].rstrip("]")
    if not found or (port.isdigit() and not 1 <= int(port) <= 65535):
        return f"backend '{value[:80]}' is not http(s)://host:port without a path"
    return None


def message_fault(value: str) -> str | None:
    """Say why `value` cannot be shown to visitors, None when it can."""
    if len(value) > MESSAGE_MAX:
        return f"message of {len(value)} characters: at most {MESSAGE_MAX} are taken"
    return "message holds control characters" if CONTROL.search(value) else None


def route_fault(route: Route) -> str | None:
    """Say what is wrong with a route, None when nothing is."""
    faults = [slug_fault(route.service), path_fault(route.path_prefix)]
    faults += [host_fault(route.host)] if route.host is not None else []
    faults += [path_fault(route.health_path)] if route.health_path is not None else []
    # Traefik refuses a whole configuration for one balancer without servers, and says so only in its log.
    faults += [backend_fault(b.url) for b in route.backends] or [f"route of '{route.service}' has no backend"]
    return next((fault for fault in faults if fault), None)


def directive_fault(directive: Directive) -> str | None:
    """Say what is wrong with a directive, None when nothing is."""
    faults = [slug_fault(directive.service), message_fault(directive.message)]
    faults += [path_fault(directive.match)] if directive.match is not None else []
    if not 1 <= len(directive.key) <= KEY_MAX:
        faults.append(f"directive key must have 1 to {KEY_MAX} characters")
    if not 1 <= directive.retry_after_s <= RETRY_AFTER_MAX_S:
        faults.append(f"retry_after_s must be 1 to {RETRY_AFTER_MAX_S} (got {directive.retry_after_s})")
    if directive.kind == "redirect":
        faults += [backend_fault(b.url) for b in directive.backends] or ["a redirect needs somewhere to send requests"]
        faults += ["a redirect is for the whole service"] if directive.match is not None else []
    elif directive.backends:
        faults.append(f"{directive.kind} sends requests nowhere: it takes no backends")
    faults += _shares_faults(directive)
    if (directive.kind == "breaker") != (1 <= directive.threshold_percent <= 99):
        faults.append("a breaker, and nothing else, has a threshold of 1 to 99 percent")
    if directive.expires_at.tzinfo is None:
        faults.append("expires_at needs a time zone")
    return next((fault for fault in faults if fault), None)


def _shares_faults(directive: Directive) -> list[str | None]:
    if directive.kind != "weights":
        return [f"{directive.kind} takes no shares"] if directive.shares else []
    faults = [backend_fault(b.url) for share in directive.shares for b in share.backends]
    if any(not 0 <= share.weight <= WEIGHT_MAX or not share.backends for share in directive.shares):
        faults.append(f"a share needs a weight of 0 to {WEIGHT_MAX} and somewhere to send requests")
    # Traefik takes a weighted service without a positive weight and answers every request with 503.
    if not any(share.weight for share in directive.shares):
        faults.append("weights need one share that gets requests")
    faults += ["weights are for the whole service"] if directive.match is not None else []
    return faults


def parse_desired(document: bytes, *, gateway: str) -> Desired:
    """Read and check a desired state as JSON.

    Raises:
        DesiredRefused: it is malformed, names another gateway, or holds what may not reach Traefik.
    """
    if len(document) > DOCUMENT_MAX_BYTES:
        raise DesiredRefused(f"desired state of {len(document)} bytes: at most {DOCUMENT_MAX_BYTES} are taken")
    try:
        desired = decode(document, Desired)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DesiredRefused(f"desired state is malformed: {error}") from error
    check_desired(desired, gateway=gateway)
    return desired


def check_desired(desired: Desired, *, gateway: str) -> None:
    """Check a desired state as a whole.

    Raises:
        DesiredRefused: a part is not acceptable; none of it is applied then.
    """
    if desired.gateway != gateway:
        raise DesiredRefused(f"desired state is for gateway '{desired.gateway[:80]}', this is '{gateway}'")
    if desired.version < 0:
        raise DesiredRefused(f"version must not be negative (got {desired.version})")
    owners: dict[tuple[str | None, str], str] = {}
    for index, route in enumerate(desired.routes):
        if fault := route_fault(route):
            raise DesiredRefused(f"routes[{index}]: {fault}")
        owner = owners.setdefault((route.host, route.path_prefix), route.service)
        if owner != route.service or [r for r in desired.routes[:index] if r == route]:
            raise DesiredRefused(
                f"routes[{index}]: {route.host or '*'}{route.path_prefix} already belongs to '{owner}'"
            )
    for index, directive in enumerate(desired.directives):
        if fault := directive_fault(directive):
            raise DesiredRefused(f"directives[{index}]: {fault}")
    marks = [d.mark for d in desired.directives]
    if len(set(marks)) != len(marks):
        raise DesiredRefused("two directives have one key")


def encode(value: Desired | Applied) -> bytes:
    """Return the JSON that travels and that is kept on disk."""
    return msgspec.json.encode(value)


def utc(value: datetime) -> datetime:
    """Return `value` in UTC, so that equal instants are equal text."""
    return value.astimezone(UTC)


def local_routes(
    service: str,
    places: list[tuple[str | None, str]],
    ports: list[int],
    *,
    health_path: str | None = None,
    address: str = "127.0.0.1",
) -> tuple[Route, ...]:
    """Return routes from (host, path prefix) places to replicas that listen on `ports` of one address."""
    backends = tuple(Backend(f"http://{address}:{port}") for port in ports)
    return tuple(Route(service, prefix, backends, host, health_path) for host, prefix in places)
