"""A deployment need not hold writes: the data is pinned by a snapshot or by the log, and comes back all the same."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bonanca.access.actors import SYSTEM
from bonanca.durable.errors import StepFailed
from bonanca.kernel.clock import utc_now
from bonanca.recovery import folders, queries
from bonanca.recovery.models import RestorePoint
from bonanca.recovery.operations.archive_wal import archive_wal
from bonanca.recovery.operations.expire_pins import expire_pins
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.retention import needed_of
from bonanca.recovery.state import PinKind
from bonanca.recovery.tests.logged import begin, switch
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.repositories import archived
from bonanca.recovery.tests.shop import Shop
from bonanca.recovery.tests.test_returns import Back, checks, damage, state
from bonanca.recovery.views import PinView

WORKER = SYSTEM("test")


def pin(shop: Shop, kind: str, change: str = "c") -> PinView:
    return queries.get_pin(UUID(Plan(shop.slug, change_id=change, kind=kind).do("recovery.pin")["pin_id"]))


class Writer:
    """Somebody who orders all the time, in a session that nobody ends. `longest_s` is what an order had to wait."""

    def __init__(self, shop: Shop) -> None:
        self.dsn, self.orders, self.longest_s, self.ended = shop.dsn, 0, 0.0, ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        try:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                while not self._stop.is_set():
                    began = time.monotonic()
                    connection.execute("INSERT INTO orders (total_cents) VALUES (5)")
                    self.longest_s = max(self.longest_s, time.monotonic() - began)
                    self.orders += 1
        except psycopg.Error as error:
            self.ended = str(error)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._thread.join()


def test_a_snapshot_is_copied_while_everybody_writes_on_and_goes_back_at_once(make_shop: Any) -> None:
    shop = make_shop()
    with Writer(shop) as writer:
        pinned = pin(shop, "snapshot")
    assert (writer.ended, writer.orders > 0) == ("", True)
    assert writer.longest_s < 5  # far longer than any wait for a lock of ours under the load of a test machine
    assert (pinned.kind, pinned.method, pinned.held_seconds) == (PinKind.SNAPSHOT, "dump", 0.0)
    assert pinned.took_seconds is not None
    assert shop.ask("SHOW default_transaction_read_only", pinned.copy_name) == [("on",)]
    there, copied = shop.numbers(), shop.numbers(pinned.copy_name)
    assert copied == there[: len(copied)]
    damage(shop)
    after = state(shop)
    done = Back(shop, "instant", pinned).go()
    assert shop.numbers() == copied
    # Every order since the snapshot is set aside, none of those that it holds; and one was changed.
    assert done["set_aside"]["to_reapply"] == len(there) + 2 - len(copied)
    assert done["set_aside"]["to_decide"] == 1
    assert len(after[1]) == len(there) + 2
    assert folders.everything_temporary() == []


def test_a_snapshot_whose_worker_died_is_taken_again_by_the_next(make_shop: Any, monkeypatch: Any) -> None:
    shop = make_shop()
    plan = Plan(shop.slug, change_id="c", kind="snapshot")

    def killed(name: str) -> None:
        if name == "postgres.restore.loaded":
            raise KeyboardInterrupt

    monkeypatch.setattr("bonanca.actuators.postgres.restoring.point", killed)
    with pytest.raises(KeyboardInterrupt):
        plan.do("recovery.pin")
    monkeypatch.undo()
    plan.take_over()
    plan.do("recovery.pin")
    (pinned,) = queries.pins_of(shop.slug)
    assert shop.databases() == {shop.name, pinned.copy_name}
    assert dict(pinned.row_counts) == {"public.orders": 60, "public.products": 40}


def test_a_position_in_the_log_is_a_pin_that_copies_nothing(physical: Shop) -> None:
    with pytest.raises(StepFailed, match="is not being archived"):
        pin(physical, "log")
    begin(physical)
    with pytest.raises(StepFailed, match="no physical backup"):
        pin(physical, "log")
    backup = take_backup(service=physical.slug, actor=WORKER, now=utc_now())
    archive_wal(now=utc_now())
    with Writer(physical) as writer:
        pinned = pin(physical, "log")
    assert writer.ended == ""
    assert (pinned.kind, pinned.held_seconds, pinned.copy_name) == (PinKind.LOG, 0.0, "")
    assert physical.databases() == {physical.name}
    switch(physical)
    assert "without a copy" in checks(physical, "instant", pinned)[1][0]
    back = Back(physical, "point_in_time", pinned)
    there = len(physical.numbers())
    done = back.go()
    # What was written before the point came back, the rest is set aside: no order is in neither.
    assert len(physical.numbers()) + done["set_aside"]["to_reapply"] == there
    back.undo()
    assert len(physical.numbers()) == there
    assert "goes back by it" in needed_of(physical.slug)[backup.id]
    pin(physical, "copy", "d")  # a newer way back: the first may go when its time is over
    assert expire_pins(now=utc_now() + timedelta(days=30)) == []
    assert needed_of(physical.slug) == {}
    assert not RestorePoint.objects.filter(name=pinned.point).exists()


def test_a_pin_by_the_log_of_a_pgbackrest_comes_back_too(outside: Shop) -> None:
    with pytest.raises(StepFailed, match="no physical backup"):
        pin(outside, "log")
    take_backup(service=outside.slug, actor=WORKER, now=utc_now())
    pinned, before = pin(outside, "log"), state(outside)
    assert (pinned.kind, pinned.held_seconds, pinned.copy_name) == (PinKind.LOG, 0.0, "")
    damage(outside)
    after = state(outside)
    archived(outside)
    assert checks(outside, "point_in_time", pinned)[1] == []
    back = Back(outside, "point_in_time", pinned)
    done = back.go()
    assert state(outside) == before
    assert (done["load"]["engine"], done["set_aside"]["to_reapply"], done["set_aside"]["to_decide"]) == (
        "pgbackrest",
        2,
        1,
    )
    back.undo()
    assert state(outside) == after


def test_what_each_kind_has_cost_is_known_from_its_last_use(make_shop: Any) -> None:
    shop = make_shop()
    assert queries.pin_prices(shop.slug) == {}
    pin(shop, "copy")
    pin(shop, "snapshot", "d")
    prices = queries.pin_prices(shop.slug)
    assert set(prices) == {PinKind.COPY, PinKind.SNAPSHOT}
    assert prices[PinKind.COPY].held_s is not None
    assert prices[PinKind.COPY].held_s > prices[PinKind.SNAPSHOT].held_s == 0
    assert all(price.took_s is not None and price.size_bytes for price in prices.values())
