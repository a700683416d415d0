"""A shop whose visitors are counted by hand, and a worker that looks every five seconds of its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bonanca.aftercare.operations.look_at_watches import look_at_watches
from bonanca.aftercare.queries import get_watch
from bonanca.aftercare.views import WatchView
from bonanca.catalog.spec import ReinforcedWatchSpec, ReplicaSpec, RunSpec, VerifySpec
from bonanca.signals.models import SliSample, SliSource
from tests.support.loja import SLUG, Shop
from tests.support.traces import deliver

EVERY_S = 10
# Half the usual burn rate (10): 5 % of requests that fail of an objective of 99 % are enough, over half the windows.
SPEC = ReinforcedWatchSpec(for_h=0.25, tighten=0.5, shorten=0.5)


def declare(shop: Shop, **changes: Any) -> None:
    """The shop with a watch, and without checks unless a test gives it some."""
    shop.declare(**{"verify": (), "watch": SPEC, **changes})


class Visitors:
    """What the gateway counted, a sample a second, as the scrapes leave it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
        SliSource.objects.create(gateway="default", first_scraped_at=self.at, scraped_at=self.at)

    def come(self, seconds: int, *, good: int = 10, failed: int = 0) -> datetime:
        """Let time pass with so many requests a second, and the counters be read at its end."""
        samples = [
            SliSample(gateway="default", service=SLUG, at=self.at + timedelta(seconds=n), good=good, failed=failed)
            for n in range(seconds)
        ]
        SliSample.objects.bulk_create(samples)
        self.at += timedelta(seconds=seconds)
        self.read()
        return self.at

    def read(self) -> None:
        SliSource.objects.update(scraped_at=self.at)


def pass_time(visitors: Visitors, seconds: int, **requests: int) -> datetime:
    """Let time pass; the worker looks, and what it says is delivered."""
    for _ in range(seconds // EVERY_S):
        look_at_watches(now=visitors.come(EVERY_S, **requests))
    deliver(visitors.at)
    return visitors.at


def seen(watch: WatchView) -> WatchView:
    return get_watch(watch.id)


class Health:
    """What the replica answers."""

    status = 200


@contextmanager
def replica() -> Iterator[tuple[Health, RunSpec, tuple[VerifySpec, ...]]]:
    """A real server that answers as it is told, with the `run` and `verify` that declare it."""
    health = Health()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(health.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        run = RunSpec((), (ReplicaSpec(server.server_port),))
        yield health, run, (VerifySpec("health", http="/health"),)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
