"""The steps that only this room carries out, called as the interpreter calls them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.catalog.spec import DatabaseSpec
from bonanca.durable.context import FenceToken, Receipt, StepContext
from bonanca.durable.errors import Fenced, StepFailed
from bonanca.durable.registry import handler
from bonanca.response.operations.contain import contain
from bonanca.response.queries import containments_of
from bonanca.response.steps import checking, lifting, watching
from tests.support.loja import NOW, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db


class Clock:
    """Goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        self.now += timedelta(seconds=1)
        return self.now


def context(still_mine: Any = lambda: None, **params: Any) -> StepContext:
    run_id = uuid4()
    return StepContext(
        run_id=run_id,
        step_key="step",
        token=FenceToken(run_id, 1),
        params={"service": "loja-api", **params},
        context={},
        receipts={},
        timeout_s=60,
        now=Clock(),
        progress=lambda fraction, text: None,
        still_mine=still_mine,
        remaining_s=lambda: 60.0,
    )


def do(kind: str, ctx: StepContext) -> Receipt:
    step = handler(kind)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    # What only looks has nothing to take back.
    assert step.undo(ctx, receipt) == {}
    return receipt


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (checking, watching):
        monkeypatch.setattr(module, "PAUSE_S", 0.0)


class _Shop(BaseHTTPRequestHandler):
    failures = 0

    def do_GET(self) -> None:
        kind = type(self)
        kind.failures -= 1
        self.send_response(503 if kind.failures >= 0 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def replica() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


HEALTH = {"name": "health", "http": "/health"}


def test_verification_waits_for_a_service_that_is_still_starting(shop: Shop, replica: str) -> None:
    _Shop.failures = 3
    receipt = do("response.verify", context(checks=[HEALTH], replicas=[replica]))
    assert receipt["verdicts"] == [
        {"name": "health", "where": replica, "passed": True, "found": "HTTP 200", "evidence": "", "error": False}
    ]


def test_verification_that_never_passes_says_what_was_found_where(shop: Shop, replica: str) -> None:
    _Shop.failures = 10_000
    with pytest.raises(StepFailed, match="HTTP 503, expected 200") as failed:
        do("response.verify", context(checks=[HEALTH], replicas=[replica]))
    assert replica in failed.value.message
    assert failed.value.hint


def test_a_worker_that_was_overtaken_stops_asking(shop: Shop, replica: str) -> None:
    def taken_over() -> None:
        raise Fenced("another worker has it")

    with pytest.raises(Fenced):
        do("response.verify", context(taken_over, checks=[HEALTH], replicas=[replica]))


def test_preflight_refuses_with_the_words_of_the_checks(shop: Shop) -> None:
    change = shop.propose()
    good, bad = shop.pin(change), shop.pin(change, release_sha="f" * 40)
    assert do("response.preflight", context(pin_id=str(good.id)))["checks"]
    with nothing_happens(), pytest.raises(StepFailed, match="f" * 40) as failed:
        do("response.preflight", context(pin_id=str(bad.id)))
    assert "Nothing was touched" in failed.value.hint


def test_preflight_waits_for_a_server_that_does_not_answer_and_for_nothing_else(shop: Shop) -> None:
    change = shop.propose()
    pins = [shop.pin(change, copy_name="loja_pin"), shop.pin(change, copy_name="loja_pin", release_sha="f" * 40)]
    (shop.folder / "dsn").write_text("postgresql://nobody@127.0.0.1:1/loja")
    shop.declare(database=DatabaseSpec(shop.folder / "dsn", "loja"))
    for pin, waits in zip(pins, (True, False), strict=True):
        with pytest.raises(StepFailed) as failed:
            do("response.preflight", context(pin_id=str(pin.id)))
        assert failed.value.retryable is waits


def contained(shop: Shop, incident_id: UUID, match: str) -> UUID:
    given = {"action": "disable", "expires_in_s": 600, "reason": "x", "actor": shop.beto, "now": NOW}
    return contain(incident_id=incident_id, match=match, **given).id


def test_the_incidents_containments_are_lifted_and_no_others(shop: Shop) -> None:
    incident, other = shop.open(), shop.open()
    lifted = contained(shop, incident.id, "/checkout")
    contained(shop, other.id, "/cart")
    ctx = context(incident_id=str(incident.id))
    assert do("response.lift_containments", ctx) == {"lifted": [str(lifted)]}
    assert [c.state for c in (*containments_of(incident.id), *containments_of(other.id))] == ["lifted", "active"]
    # Another worker does it again.
    assert handler("response.lift_containments").apply(ctx) == {"lifted": []}


def test_one_that_ends_in_the_same_moment_does_not_stop_the_plan(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from bonanca.response.operations.undo_containment import expire_containments

    incident = shop.open()
    contained(shop, incident.id, "/checkout")
    seen = containments_of(incident.id)
    assert expire_containments(NOW + timedelta(hours=1)) == 1
    monkeypatch.setattr(lifting, "containments_of", lambda incident_id: seen)
    assert do("response.lift_containments", context(incident_id=str(incident.id))) == {"lifted": []}


@pytest.fixture
def visitors(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the gateway counts while the watch lasts."""
    said: dict[str, Any] = {"total": 100, "failed": 0}

    def impact(service: str, since: Any, until: Any) -> Any:
        said["seconds"] = (until - since).total_seconds()
        return SimpleNamespace(failed_ratio=said["failed"] / said["total"], **said)

    monkeypatch.setattr(watching, "impact", impact)
    return said


def test_the_watch_lasts_as_long_as_declared_and_counts(shop: Shop, visitors: dict[str, Any]) -> None:
    assert do("response.watch", context(seconds=5)) == {"seconds": 5.0, "requests": 100, "failed": 0}
    assert visitors["seconds"] >= 5


def test_failures_that_come_back_are_not_a_recovery(shop: Shop, visitors: dict[str, Any]) -> None:
    visitors["failed"] = 2
    with pytest.raises(StepFailed, match="2 of 100 requests"):
        do("response.watch", context(seconds=1))
    assert do("response.watch", context(seconds=1, tolerated=0.05))["failed"] == 2


def test_programs_run_once_when_the_rest_has_passed(shop: Shop, replica: str, tmp_path: Any) -> None:
    _Shop.failures = 3
    count = tmp_path / "count"
    once = {"name": "suite", "command": ["sh", "-c", f"echo ran >> {count}; echo broken pipe; exit 1"]}
    with pytest.raises(StepFailed, match=r"suite .command.: it ended with 1: broken pipe"):
        do("response.verify", context(checks=[once, HEALTH], replicas=[replica]))
    assert count.read_text() == "ran\n"


def test_work_is_held_and_its_undo_lets_it_go_on(shop: Shop) -> None:
    ctx = context(command=["sh", "-c", "echo held"], back=["sh", "-c", "echo on"])
    work = handler("response.work")
    assert work.check(ctx) is None
    receipt = work.apply(ctx)
    assert receipt["output"] == "held\n"
    assert work.undo(ctx, receipt)["output"] == "on\n"
    with pytest.raises(StepFailed, match="sh"):
        work.apply(context(command=["sh", "-c", "echo no >&2; exit 3"], back=["true"]))
