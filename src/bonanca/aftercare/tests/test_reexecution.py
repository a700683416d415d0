"""What failed is listed from declared sources, chosen, and done again: never twice in effect (Y7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.aftercare import steps
from bonanca.aftercare.models import Reexecution, ReexecutionItem
from bonanca.aftercare.operations.choose_items import NotListed, choose_items
from bonanca.aftercare.operations.finish_reexecution import finish_reexecution
from bonanca.aftercare.operations.forget_contents import forget_contents
from bonanca.aftercare.operations.list_failed import NothingDeclared, list_failed
from bonanca.aftercare.operations.read_items import read_items
from bonanca.aftercare.operations.record_item import ContentsForgotten, go_on
from bonanca.aftercare.operations.start_reexecution import Busy, NothingChosen, start_reexecution
from bonanca.aftercare.operations.withdraw_reexecution import withdraw_reexecution
from bonanca.aftercare.queries import get_reexecution, items_of, reexecutions
from bonanca.aftercare.tests.working import (
    END,
    LATER,
    T0,
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
from bonanca.catalog.spec import AgainSpec, HttpAgain, SourceSpec
from bonanca.durable.errors import StepFailed
from bonanca.durable.queries import get_run
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.incidents.queries import timeline
from bonanca.kernel.audit import history
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from tests.support.loja import SLUG, Shop
from tests.support.traces import deliver, events, nothing_happens

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PAUSE_S", 0.01)


@pytest.fixture
def orders(shop: Shop) -> Iterator[Orders]:
    with server() as (made, run):
        shop.declare(run=run)
        yield made


def test_a_log_lists_failed_requests_of_the_period_once_each(shop: Shop, tmp_path: Path) -> None:
    source = log_of(
        tmp_path / "access.jsonl",
        request(1),
        "not json\n",
        request(2, status=201),
        request(3, method="GET"),
        request(61),
        request(4, body={"n": 1}),
        request(4, body={"n": 2}),
        request(5, request_id=None),
        request(6, time="yesterday"),
        '{"status": 500, "half',
    )
    found = listed(shop, source)
    assert [item.key for item in items_of(found.id)] == ["r-0001", "r-0004"]
    assert ReexecutionItem.objects.get(key="r-0004").content["payload"] == '{"n": 2}'
    assert found.problems == (
        {"source": "checkout", "error": "1 entries without a usable key or content were left out"},
    )
    assert items_of(found.id)[0].idempotency_key == "buy-0001"
    assert (found.state, found.counts["chosen"]) == ("listed", 2)


def test_requests_are_sent_again_under_their_own_keys_and_reported(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    # The second one had got through before its answer was lost.
    orders.taken["buy-0002"] = "{}"
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in range(1, 4))))
    run_id = started(shop, found)
    carry_out(run_id)
    ended(run_id)
    done = finish_reexecution(run_id, now=LATER)
    assert done is not None
    assert outcomes(found) == {"r-0001": "done", "r-0002": "already", "r-0003": "done"}
    assert sorted(orders.taken) == ["buy-0001", "buy-0002", "buy-0003"]
    assert orders.taken["buy-0003"] == '{"customer": "c-1", "n": 3}'
    assert (done.state, done.in_effect, done.failed) == ("done", 3, 0)
    report = "".join(read_items(found.id, actor=shop.caio, now=LATER))
    assert "r-0002" in report
    assert "already" in report
    assert "c-1" not in report


def test_after_a_kill_what_was_being_sent_is_asked_again_under_the_same_key(
    shop: Shop, orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in range(1, 4))))
    run_id = started(shop, found)

    class Killed(BaseException): ...

    def point(name: str) -> None:
        if name == "aftercare.reexecute.sent" and len(orders.taken) == 2:
            raise Killed

    monkeypatch.setattr(steps, "point", point)
    with pytest.raises(Killed):
        carry_out(run_id)
    assert outcomes(found) == {"r-0001": "done", "r-0002": "sending", "r-0003": "chosen"}
    monkeypatch.setattr(steps, "point", lambda name: None)
    carry_out(run_id, epoch=2)
    assert outcomes(found) == {"r-0001": "done", "r-0002": "already", "r-0003": "done"}
    assert [key for _method, _path, key in orders.asked] == ["buy-0001", "buy-0002", "buy-0002", "buy-0003"]
    assert len(orders.taken) == 3


def test_what_may_pass_is_tried_again_and_what_does_not_fails_with_its_reason(
    shop: Shop, orders: Orders, tmp_path: Path
) -> None:
    orders.fault = lambda key, times: (503 if times < 3 else None) if key == "buy-0001" else 422
    found = listed(shop, log_of(tmp_path / "log", request(1), request(2)))
    carry_out(started(shop, found))
    first, second = items_of(found.id)
    assert (first.state, first.attempts) == ("done", 3)
    assert (second.state, second.attempts, second.reason) == ("failed", 1, "HTTP 422")


def test_too_many_failures_stop_it_and_a_person_may_go_on(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    orders.fault = lambda key, times: 400
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in range(1, 13))))
    run_id = started(shop, found, stop_percent=50)
    with pytest.raises(StepFailed, match="100 % of the last ones failed"):
        carry_out(run_id)
    ended(run_id, "failed", "100 % of the last ones failed")
    stopped = finish_reexecution(run_id, now=LATER)
    assert stopped is not None
    assert (stopped.state, stopped.failed, stopped.left) == ("stopped", 5, 7)
    orders.fault = lambda key, times: None
    carry_out(run_id, epoch=2, now=LATER + timedelta(minutes=1))
    ended(run_id)
    assert finish_reexecution(run_id, now=LATER) is not None
    after = get_reexecution(found.id)
    assert (after.state, after.counts["done"], after.failed) == ("done", 7, 5)


def test_a_later_list_leaves_out_what_was_done_and_takes_what_failed(
    shop: Shop, orders: Orders, tmp_path: Path
) -> None:
    orders.fault = lambda key, times: 400 if key == "buy-0002" else None
    source = log_of(tmp_path / "log", request(1), request(2))
    first = listed(shop, source)
    run_id = started(shop, first)
    carry_out(run_id)
    ended(run_id)
    finish_reexecution(run_id, now=LATER)
    orders.fault = lambda key, times: None
    second = listed(shop, source)
    assert outcomes(second) == {"r-0001": "skipped", "r-0002": "chosen"}
    assert items_of(second.id)[0].words == "it was done in an earlier one"


def test_people_choose_before_anything_is_run(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in range(1, 6))))
    first = items_of(found.id)[0]
    choose_items(found.id, take=False, matching="r-0002", reason="a test", actor=shop.beto, now=LATER)
    choose_items(found.id, take=False, items=[first.id], actor=shop.beto, now=LATER)
    assert get_reexecution(found.id).counts["skipped"] == 2
    assert choose_items(found.id, take=True, items=[first.id], actor=shop.beto, now=LATER).left == 4
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                choose_items(found.id, take=False, actor=outsider, now=LATER)
            with pytest.raises(NotAllowed):
                start_reexecution(found.id, actor=outsider, now=LATER)
    carry_out(started(shop, found))
    assert outcomes(found)["r-0002"] == "skipped"
    assert len(orders.taken) == 4
    with nothing_happens():
        with pytest.raises(NotListed):
            choose_items(found.id, take=False, actor=shop.beto, now=LATER)
        with pytest.raises(NotListed):
            withdraw_reexecution(found.id, actor=shop.beto, now=LATER)
        with pytest.raises((NotListed, Busy)):
            start_reexecution(found.id, actor=shop.beto, now=LATER)


def test_what_cannot_be_listed_or_started(shop: Shop, tmp_path: Path) -> None:
    with nothing_happens(), pytest.raises(NothingDeclared):
        list_failed(SLUG, since=T0, until=END, actor=shop.beto, now=LATER)
    source = log_of(tmp_path / "log", request(1))
    found = listed(shop, source)
    with nothing_happens():
        for facts in ({"since": None}, {"until": T0}, {"since": T0 - timedelta(days=40)}):
            with pytest.raises(Invalid):
                list_failed(SLUG, **{"since": T0, "until": END, **facts}, actor=shop.beto, now=LATER)
        with pytest.raises(NotFound):
            list_failed(SLUG, incident_id=uuid4(), actor=shop.beto, now=LATER)
        with pytest.raises(NotAllowed):
            list_failed(SLUG, since=T0, until=END, actor=shop.nina, now=LATER)
        for limits in ({"rate_per_s": 0}, {"stop_percent": 101}):
            with pytest.raises(Invalid):
                start_reexecution(found.id, **limits, actor=shop.beto, now=LATER)
    choose_items(found.id, take=False, actor=shop.beto, now=LATER)
    with nothing_happens(), pytest.raises(NothingChosen):
        start_reexecution(found.id, actor=shop.beto, now=LATER)
    assert withdraw_reexecution(found.id, actor=shop.beto, now=LATER).state == "withdrawn"


def test_one_of_a_service_at_a_time(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    source = log_of(tmp_path / "log", request(1), request(2))
    first, second = listed(shop, source), listed(shop, source)
    started(shop, first)
    with nothing_happens(), pytest.raises(Busy):
        start_reexecution(second.id, actor=shop.beto, now=LATER)


def test_a_source_that_cannot_be_read_says_why_and_holds_up_no_other(shop: Shop, tmp_path: Path) -> None:
    good = log_of(tmp_path / "log", request(1))
    bad = replace(log_of(tmp_path / "gone", request(2)), name="gone")
    (tmp_path / "gone").unlink()
    found = listed(shop, bad, good)
    assert [item.source for item in items_of(found.id)] == ["checkout"]
    assert "No such file" in found.problems[0]["error"]


LISTING = 'print(\'{"key": "m-1", "payload": {"n": 1}}\'); print("noise"); print(\'{"key": "m-2", "payload": "x"}\')'
AGAIN = """
import os, sys
body = sys.stdin.read()
if "IDEMPOTENCY_KEY" not in os.environ or sys.argv[1] == "m-2":
    sys.exit("refused: " + body)
print('{"outcome": "duplicate", "reason": "seen"}')
"""


def test_commands_list_and_do_again_with_the_payload_on_stdin(shop: Shop) -> None:
    source = SourceSpec(
        "queue",
        AgainSpec(command=("{python}", "-c", AGAIN, "{key}")),
        command=("{python}", "-c", LISTING, "{since}", "{until}"),
    )
    found = listed(shop, source)
    carry_out(started(shop, found))
    first, second = items_of(found.id)
    assert (first.state, first.reason) == ("already", "seen")
    assert second.state == "failed"
    assert "refused: x" in second.reason


REPLAY = """
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    if row["key"] != "m-2":
        print(json.dumps({"table": row["table"], "key": row["key"], "outcome": "applied"}))
"""


def test_the_declared_replay_takes_them_as_it_takes_rows(shop: Shop) -> None:
    shop.declare(replay=("{python}", "-c", REPLAY))
    source = SourceSpec("queue", AgainSpec(replay=True), command=("{python}", "-c", LISTING))
    found = listed(shop, source)
    run_id = started(shop, found)
    with pytest.raises(StepFailed, match="without an answer about 1"):
        carry_out(run_id)
    assert outcomes(found) == {"m-1": "done", "m-2": "sending"}
    # It is cancelled: what was given and not answered is told as unknown, and comes again in the next list.
    ended(run_id, "cancelled")
    finish_reexecution(run_id, now=LATER)
    assert outcomes(found)["m-2"] == "failed"
    assert "unknown" in items_of(found.id)[1].words


def test_the_incident_gives_the_period_and_keeps_the_report(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    incident = shop.open(at=T0 + timedelta(minutes=5), began=T0)
    resolve_incident(incident.id, watch_for_h=0, actor=shop.ana, now=END)
    deliver(END)
    found = listed(
        shop, log_of(tmp_path / "log", request(1), request(90)), since=None, until=None, incident_id=incident.id
    )
    assert (found.since, found.until, found.total) == (T0, END, 1)
    run_id = started(shop, found)
    carry_out(run_id)
    ended(run_id)
    finish_reexecution(run_id, now=LATER)
    deliver(LATER)
    assert [one.id for one in reexecutions(incident_id=incident.id)] == [found.id]
    words = " | ".join(entry.text for entry in timeline(incident.id))
    assert "has 1 failed things run again" in words
    assert "Run again: 1 done, 0 were done already, 0 failed" in words
    assert [event["outcome"] for event in events("aftercare.reexecution.ended")] == ["done"]
    with nothing_happens():
        finish_reexecution(run_id, now=LATER)


def test_the_plan_can_be_paused_between_batches(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in range(1, 31))))
    run = get_run(started(shop, found, rate_per_s=1))
    assert [step.params["last"] - step.params["first"] + 1 for step in run.steps] == [5] * 6
    assert run.exclusive == f"reexecution:{SLUG}"


def test_contents_are_read_by_few_and_forgotten_in_time(shop: Shop, tmp_path: Path) -> None:
    found = listed(shop, log_of(tmp_path / "log", request(1, request_id="=r", idempotency_key="")))
    with pytest.raises(NotAllowed):
        read_items(found.id, contents=True, actor=shop.caio, now=LATER)
    text = "".join(read_items(found.id, contents=True, actor=shop.beto, now=LATER))
    assert '""n"": 1' in text
    assert "'=r" in text
    assert f"bonanca:{SLUG}:checkout:=r" in text
    assert [entry.action for entry in history(f"reexecution:{found.id}")][-1].endswith("contents_read")
    assert forget_contents(now=LATER + timedelta(days=29)) == 0
    assert forget_contents(now=LATER + timedelta(days=31)) == 1
    assert get_reexecution(found.id).state == "withdrawn"
    assert "c-1" not in "".join(read_items(found.id, contents=True, actor=shop.beto, now=LATER))


def test_a_plan_that_stopped_sends_nothing_once_the_contents_are_forgotten(
    shop: Shop, orders: Orders, tmp_path: Path
) -> None:
    found = listed(shop, log_of(tmp_path / "log", *(request(n) for n in (1, 2, 3))))
    started(shop, found)
    ReexecutionItem.objects.filter(reexecution_id=found.id, key="r-0001").update(state="sending")
    Reexecution.objects.filter(id=found.id).update(state="stopped", error="it stopped", finished_at=LATER)
    assert forget_contents(now=LATER + timedelta(days=31)) == 1
    assert {item.key: item.state for item in items_of(found.id)} == {
        "r-0001": "failed", "r-0002": "skipped", "r-0003": "skipped",
    }  # fmt: skip
    with pytest.raises(ContentsForgotten):
        go_on(found.id)
    assert orders.asked == []


def test_a_path_of_a_stranger_stays_at_the_service(shop: Shop, orders: Orders, tmp_path: Path) -> None:
    """A log may hold what anybody sent: it must not choose another server."""
    source = log_of(tmp_path / "log", request(1, path="@evil.example/x"), request(2, path="//evil.example/x"))
    found = listed(shop, replace(source, again=AgainSpec(http=HttpAgain())))
    assert [item.key for item in items_of(found.id)] == ["r-0002"]
    carry_out(started(shop, found))
    assert [path for _method, path, _key in orders.asked] == ["/evil.example/x"]
