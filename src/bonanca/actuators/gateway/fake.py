"""A gateway in memory: for tests of whoever steers one, held to the same contract as the agent with Traefik.

`serve` decides as the real one does, `counters` counts as it does. `pull` takes the desired state from our own
database and reports it applied; `running` does so in the background, as the agent would.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bonanca.actuators.gateway.agent.configuration import BREAK_S
from bonanca.actuators.gateway.agent.pages import Page, page_for
from bonanca.actuators.gateway.metrics import RouteCounters, ServiceCounters
from bonanca.actuators.gateway.wire import Applied, Desired, DesiredRefused, Directive, Route, encode, parse_desired
from bonanca.kernel.clock import utc_now

# Answers a request that reaches the service: (method, path) to status.
Backend = Callable[[str, str], int]


@dataclass(frozen=True)
class Reply:
    """What a visitor got."""

    status: int
    headers: dict[str, str]
    text: str


class FakeGateway:
    """One gateway whose services answer through a function."""

    def __init__(
        self,
        gateway: str = "default",
        backend: Backend = lambda method, path: 200,
        standby: Backend = lambda method, path: 200,
    ) -> None:
        self.gateway = gateway
        self.backend = backend
        self.standby = standby
        self.desired = Desired(gateway, 0)
        self.refused = ""
        self.clock: Callable[[], datetime] = utc_now
        self._counts: Counter[tuple[str, str, str, str, str | None]] = Counter()
        self._turn: Counter[str] = Counter()
        self._breakers = Breakers()
        self._started = self.clock().timestamp()

    def apply(self, document: bytes) -> bool:
        """Take a desired state as JSON; False, and the one before stays, when it must be refused."""
        try:
            self.desired = parse_desired(document, gateway=self.gateway)
        except DesiredRefused as refused:
            self.refused = str(refused)
            return False
        self.refused = ""
        return True

    def serve(
        self, path: str, *, method: str = "GET", host: str = "127.0.0.1", headers: dict[str, str] | None = None
    ) -> Reply:
        """Answer one request for a plain path (without query or encoded characters)."""
        now = self.clock()
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        route = self._route(host, path)
        directive = self._directive(route, path, now) if route is not None else None
        if route is not None and directive is None:
            breaker = self._breakers.of(self._standing(route, now), path)
            if breaker is not None and self._breakers.is_open(breaker, now):
                self._count(route.service, f"svc-{route.service}", 503, method, None)
                return Reply(503, {}, "Service Unavailable")
            status = (self.standby if self._elsewhere(route, now) else self.backend)(method, path)
            if breaker is not None:
                self._breakers.note(breaker, status, now)
            self._count(route.service, f"svc-{route.service}", status, method, None)
            return Reply(status, {}, "")
        page = page_for(
            directive,
            routed=route is not None,
            method=method,
            accept=sent.get("accept", ""),
            accept_language=sent.get("accept-language", ""),
            now=now,
        )
        if route is not None and directive is not None:
            router = f"contain-{route.service}-{directive.mark}"
            self._count(route.service, router, page.status, method, directive.mark)
        return _reply(page)

    def counters(self, service: str) -> ServiceCounters:
        """Return what was counted for a service."""
        routes = tuple(
            RouteCounters(service, router, code_class, method, float(count), 0.0, mark)
            for (owner, router, code_class, method, mark), count in sorted(self._counts.items(), key=lambda i: i[0][:4])
            if owner == service
        )
        contained = sum(r.requests for r in routes if r.directive)
        failed = contained + sum(r.requests for r in routes if not r.directive and r.code_class == "5xx")
        return ServiceCounters(
            service, sum(r.requests for r in routes), failed, contained, self._started, routes=routes
        )

    def pull(self, now: datetime | None = None) -> None:
        """Take what our database wants and report it applied, as one turn of the agent does."""
        from bonanca.actuators.gateway import queries
        from bonanca.actuators.gateway.operations.report_applied import report_applied

        at = now or self.clock()
        self.apply(encode(queries.desired_state(self.gateway, now=at)))
        report_applied(
            Applied(
                self.gateway, self.desired.version, at, "http://fake", "http://fake/metrics", "fake", 1, self.refused
            ),
            now=at,
        )

    @contextmanager
    def running(self, every_s: float = 0.05) -> Iterator[FakeGateway]:
        """Pull in a thread; needs a test whose transactions are committed."""
        stop = threading.Event()
        thread = threading.Thread(target=self._pull_until, args=(stop, every_s), name="fake-gateway")
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def _pull_until(self, stop: threading.Event, every_s: float) -> None:
        from django.db import connection

        try:
            while not stop.wait(every_s):
                self.pull()
        finally:
            connection.close()

    def _count(self, service: str, router: str, status: int, method: str, mark: str | None) -> None:
        self._counts[(service, router, f"{status // 100}xx", method, mark)] += 1

    def _route(self, host: str, path: str) -> Route | None:
        fitting = [r for r in self.desired.routes if r.host in (None, host) and _under(path, r.path_prefix)]
        return max(fitting, key=lambda r: (r.host is not None, len(r.path_prefix.rstrip("/"))), default=None)

    def _standing(self, route: Route, now: datetime) -> list[Directive]:
        return [d for d in self.desired.at(now).directives if d.service == route.service]

    def _elsewhere(self, route: Route, now: datetime) -> bool:
        """Whether the redundant site answers this one: all of them under a redirect, in turns under weights."""
        standing = self._standing(route, now)
        if any(d.kind == "redirect" for d in standing):
            return True
        shares = next((d.shares for d in reversed(standing) if d.kind == "weights"), ())
        if not shares:
            return False
        turns = [share for share in shares for _ in range(share.weight)]
        self._turn[route.service] += 1
        chosen = turns[self._turn[route.service] % len(turns)]
        return chosen.backends[0] not in route.backends

    def _directive(self, route: Route, path: str, now: datetime) -> Directive | None:
        fitting = [
            d
            for d in self.desired.at(now).directives
            if d.kind in ("maintenance", "disable")
            and d.service == route.service
            and (d.match is None or _under(path, d.match))
        ]
        return max(fitting, key=lambda d: (d.match is None, len(d.match or "")), default=None)


class Breakers:
    """Open when more than a breaker's threshold of what it saw failed; some seconds later it looks anew."""

    def __init__(self) -> None:
        self._seen: dict[str, list[bool]] = {}
        self._open_until: dict[str, datetime] = {}

    def of(self, standing: list[Directive], path: str) -> Directive | None:
        """Return the breaker that guards the path, the closest one."""
        fitting = [d for d in standing if d.kind == "breaker" and (d.match is None or _under(path, d.match))]
        return max(fitting, key=lambda d: len(d.match or ""), default=None)

    def is_open(self, breaker: Directive, now: datetime) -> bool:
        """Whether it answers by itself at present."""
        return now < self._open_until.get(breaker.key, now)

    def note(self, breaker: Directive, status: int, now: datetime) -> None:
        """Take an answer into account."""
        seen = self._seen.setdefault(breaker.key, [])
        seen.append(status >= 500)
        if sum(seen) / len(seen) > breaker.threshold_percent / 100:
            self._open_until[breaker.key] = now + timedelta(seconds=BREAK_S)
            seen.clear()


def _under(path: str, prefix: str) -> bool:
    bare = prefix.rstrip("/")
    return path == bare or path.startswith(f"{bare}/")


def _reply(page: Page) -> Reply:
    return Reply(page.status, dict(page.headers), page.body.decode())
