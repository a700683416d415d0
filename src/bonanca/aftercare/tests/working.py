"""A service that fails and is asked again: a real server that remembers keys, a real database, and steps by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

from bonanca.aftercare.operations.list_failed import list_failed
from bonanca.aftercare.operations.start_reexecution import start_reexecution
from bonanca.aftercare.queries import items_of
from bonanca.aftercare.views import ReexecutionView
from bonanca.catalog.spec import AgainSpec, HttpAgain, LogSource, ReexecutionSpec, ReplicaSpec, RunSpec, SourceSpec
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.models import PlanRun
from bonanca.durable.queries import get_run
from bonanca.durable.registry import handler
from tests.support.loja import SLUG, Shop

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
END = T0 + timedelta(hours=1)
LATER = T0 + timedelta(hours=2)


class Orders:
    """What the server has taken, by idempotency key; `fault` answers instead of it when it returns a status."""

    def __init__(self) -> None:
        self.taken: dict[str, str] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.fault: Callable[[str, int], int | None] = lambda key, times: None

    def answer(self, method: str, path: str, key: str, body: str) -> tuple[int, bool]:
        self.asked.append((method, path, key))
        status = self.fault(key, sum(1 for _m, _p, other in self.asked if other == key))
        if status is not None:
            return status, False
        known = key in self.taken
        self.taken.setdefault(key, body)
        return 201, known


@contextmanager
def server() -> Iterator[tuple[Orders, RunSpec]]:
    """A server on this machine, with the `run` that declares it."""
    orders = Orders()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, known = orders.answer("POST", self.path, self.headers["Idempotency-Key"], body)
            self.send_response(status)
            if known:
                self.send_header("Idempotent-Replayed", "true")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield orders, RunSpec((), (ReplicaSpec(made.server_port),))
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def request(number: int, **changes: Any) -> dict[str, Any]:
    """A line of an access log: a checkout that failed a minute after the one before."""
    at = (T0 + timedelta(minutes=number)).isoformat()
    facts = {"request_id": f"r-{number:04}", "time": at, "status": 500, "method": "POST", "path": "/checkout"}
    return {**facts, "body": {"customer": "c-1", "n": number}, "idempotency_key": f"buy-{number:04}", **changes}


def log_of(path: Path, *lines: Any) -> SourceSpec:
    """A log of these lines, whose requests are sent again as they were."""
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return SourceSpec("checkout", AgainSpec(http=HttpAgain()), log=LogSource(str(path)))


def spec(*sources: SourceSpec, **changes: Any) -> ReexecutionSpec:
    return ReexecutionSpec(tuple(sources), **{"rate_per_s": 1000.0, **changes})


def carry_out(
    run_id: UUID, *, epoch: int = 1, now: datetime = LATER, still_mine: Callable[[], None] = lambda: None
) -> None:
    """Every step of the plan, as a worker of this epoch does it; what a step raises comes out of here."""
    for step in get_run(run_id).steps:
        context = StepContext(
            run_id=run_id,
            step_key=step.key,
            token=FenceToken(run_id, epoch),
            params=step.params,
            context={},
            receipts={},
            timeout_s=60,
            now=lambda: now,
            progress=lambda share, text: None,
            still_mine=still_mine,
            remaining_s=lambda: 60.0,
        )
        handler(step.kind).apply(context)


def ended(run_id: UUID, state: str = "succeeded", error: str = "") -> None:
    """The engine has ended the run."""
    PlanRun.objects.filter(id=run_id).update(state=state, finished_at=LATER, error=error)


def listed(shop: Shop, *sources: SourceSpec, **facts: Any) -> ReexecutionView:
    shop.declare(reexecution=spec(*sources))
    given = {"since": T0, "until": END, "actor": shop.beto, "now": LATER, **facts}
    return list_failed(SLUG, **given)


def started(shop: Shop, found: ReexecutionView, **facts: Any) -> UUID:
    run_id = start_reexecution(found.id, actor=shop.beto, now=LATER, **facts).run_id
    assert run_id is not None
    return run_id


def outcomes(found: ReexecutionView) -> dict[str, str]:
    return {item.key: item.state for item in items_of(found.id)}
