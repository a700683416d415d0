"""Another plan begins, a step is skipped, an end is told late: nothing is left open, and nothing fails for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from bonanca.aftercare import steps
from bonanca.aftercare.models import ReexecutionItem
from bonanca.aftercare.operations.finish_reexecution import finish_reexecution
from bonanca.aftercare.queries import get_reexecution, items_of
from bonanca.aftercare.tests.working import (
    LATER,
    Orders,
    carry_out,
    ended,
    listed,
    log_of,
    outcomes,
    request,
    server,
    started,
)
from bonanca.catalog.spec import AgainSpec, SourceSpec
from bonanca.durable.errors import StepFailed
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from tests.support.loja import SLUG, Shop
from tests.support.traces import events, nothing_happens

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PAUSE_S", 0.01)
    monkeypatch.setattr(steps, "OTHERS_EVERY_S", 0.0)
    monkeypatch.setattr(steps, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def orders(shop: Shop) -> Iterator[Orders]:
    with server() as (made, run):
        shop.declare(run=run)
        yield made


def rollback(shop: Shop) -> UUID:
    step = StepSpec("s", "aftercare.reexecute", {}, "Back", timeout_s=60)
    return start_plan(PlanSpec("rollback", f"service:{SLUG}", "Back", (step,)), actor=shop.ana, now=LATER, key="rb").id


def test_a_batch_gives_way_to_a_rollback_that_begins_and_goes_on_after_it(
    shop: Shop, orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in (1, 2, 3))))
    run_id, begun = started(shop, found), []

    def point(name: str) -> None:
        if name == "aftercare.reexecute.sent" and not begun:
            begun.append(rollback(shop))

    monkeypatch.setattr(steps, "point", point)
    with pytest.raises(StepFailed, match="this one waits") as waits:
        carry_out(run_id)
    assert waits.value.retryable
    assert outcomes(found) == {"r-0001": "done", "r-0002": "chosen", "r-0003": "chosen"}
    ended(begun[0])
    carry_out(run_id)
    assert set(outcomes(found).values()) == {"done"}
    assert len(orders.asked) == 3


def test_what_a_closing_service_refuses_has_not_failed(
    shop: Shop, orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(shop, log_of(tmp_path / "log", request(1), request(2)))
    run_id, begun = started(shop, found), []
    orders.fault = lambda key, times: 503

    def point(name: str) -> None:
        if name == "aftercare.reexecute.recorded" and not begun:
            begun.append(rollback(shop))

    monkeypatch.setattr(steps, "point", point)
    monkeypatch.setattr(steps, "OTHERS_EVERY_S", 60.0)
    monkeypatch.setattr(steps, "ATTEMPTS", 1)
    with pytest.raises(StepFailed, match="this one waits"):
        carry_out(run_id)
    assert outcomes(found) == {"r-0001": "sending", "r-0002": "chosen"}
    ended(begun[0])
    orders.fault = lambda key, times: None
    carry_out(run_id)
    assert outcomes(found) == {"r-0001": "done", "r-0002": "done"}
    assert [key for _method, _path, key in orders.asked] == ["buy-0001", "buy-0001", "buy-0002"]


def test_a_replay_is_ended_for_a_rollback_and_given_the_same_again(shop: Shop, tmp_path: Path) -> None:
    program = f"""
import json, pathlib, sys, time
seen = pathlib.Path({str(tmp_path / "seen")!r})
keys = [json.loads(line)["idempotency_key"] for line in sys.stdin]
with seen.open("a") as out:
    out.write(" ".join(keys) + "\\n")
if seen.read_text().count("\\n") == 1:
    time.sleep(60)
print(json.dumps({{"key": "a", "outcome": "applied"}}))
"""
    shop.declare(replay=("{python}", "-c", program))
    source = SourceSpec("queue", AgainSpec(replay=True), command=("{python}", "-c", 'print(\'{"key": "a"}\')'))
    found = listed(shop, source)
    run_id = started(shop, found)
    begun: list[UUID] = []

    def still_mine() -> None:
        if not begun and (tmp_path / "seen").exists():
            begun.append(rollback(shop))

    with pytest.raises(StepFailed, match="this one waits"):
        carry_out(run_id, still_mine=still_mine)
    assert outcomes(found) == {"a": "sending"}
    ended(begun[0])
    carry_out(run_id)
    assert outcomes(found) == {"a": "done"}
    first, second = (tmp_path / "seen").read_text().split()
    assert first == second


def test_what_a_skipped_step_had_to_do_is_told_as_skipped(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    found = listed(shop, log_of(tmp_path / "log", request(1), request(2)))
    run_id = started(shop, found)
    ReexecutionItem.objects.filter(reexecution=found.id, key="r-0001").update(state="sending")
    ended(run_id)
    done = finish_reexecution(run_id, now=LATER)
    assert done is not None
    assert (done.state, done.left) == ("done", 0)
    assert outcomes(found) == {"r-0001": "failed", "r-0002": "skipped"}
    assert items_of(found.id)[1].words == "its step of the plan was skipped"
    assert events("aftercare.reexecution.ended")[-1]["counts"] == {"failed": 1, "skipped": 1}


def test_an_end_that_is_told_late_says_nothing_of_a_plan_that_was_retried(
    shop: Shop, orders: Orders, tmp_path: Path
) -> None:
    found = listed(shop, log_of(tmp_path / "log", request(1)))
    run_id = started(shop, found)
    PlanRun.objects.filter(id=run_id).update(state="queued")
    with nothing_happens():
        finish_reexecution(run_id, now=LATER)
    assert get_reexecution(found.id).state == "running"


def test_what_was_being_sent_when_a_retried_plan_was_cancelled_is_told_as_unknown(
    shop: Shop, orders: Orders, tmp_path: Path
) -> None:
    found = listed(shop, log_of(tmp_path / "log", request(1)))
    run_id = started(shop, found)
    ReexecutionItem.objects.filter(reexecution=found.id).update(state="sending")
    ended(run_id, "failed", "it stopped")
    finish_reexecution(run_id, now=LATER)
    assert outcomes(found) == {"r-0001": "sending"}
    # Retried, and cancelled before any worker took it.
    ended(run_id, "cancelled")
    finish_reexecution(run_id, now=LATER)
    assert outcomes(found) == {"r-0001": "failed"}
    assert "unknown" in items_of(found.id)[0].words
    with nothing_happens():
        finish_reexecution(run_id, now=LATER)
