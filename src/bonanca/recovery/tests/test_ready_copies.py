"""A second copy of the newest pin lies ready, so that going back copies nothing; it comes and goes by itself."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from bonanca.catalog.spec import RollbackSpec
from bonanca.recovery import queries
from bonanca.recovery.models import Pin
from bonanca.recovery.operations.ready_copies import drop_ready_copies, ready_copies
from bonanca.recovery.readied import ready_name
from bonanca.recovery.state import PinState
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.shop import NOW, Shop


@pytest.fixture
def pinned(shop: Shop) -> tuple[Shop, str, str]:
    """A shop that declares it, its pin, and the name that the pin's ready copy has."""
    shop.declare(rollback=RollbackSpec(ready_copy=True))
    pin = Plan(shop.slug, change_id="0192-change").do("recovery.pin")["pin_id"]
    assert ready_copies(now=NOW) == []
    return shop, pin, ready_name(queries.get_pin(UUID(pin)))


def test_going_back_takes_the_copy_that_lies_ready_and_another_one_is_made(pinned: tuple[Shop, str, str]) -> None:
    shop, pin, ready = pinned
    assert ready in shop.databases()
    assert ready_copies(now=NOW) == []  # it is there
    shop.run("DELETE FROM orders")
    plan = Plan(shop.slug, pin_id=pin)
    prepared = plan.do("recovery.prepare_restore")
    assert prepared["method"] == "ready"
    assert ready not in shop.databases()
    plan.take_over()
    plan.do("recovery.restore_pin")
    assert len(shop.numbers()) == 60
    # Its guard against writes is gone with its name.
    shop.run("INSERT INTO orders (total_cents) VALUES (1)")
    assert ready_copies(now=NOW.replace(hour=20)) == []
    assert ready in shop.databases()
    again = Plan(shop.slug, pin_id=pin)
    assert again.do("recovery.prepare_restore")["method"] == "ready"
    again.do("recovery.restore_pin")
    assert len(shop.numbers()) == 60


def test_nobody_writes_into_it_by_mistake(pinned: tuple[Shop, str, str]) -> None:
    shop, _pin, ready = pinned
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        shop.run("DELETE FROM orders", ready)


def test_without_one_the_pin_is_copied_as_ever(pinned: tuple[Shop, str, str]) -> None:
    shop, pin, ready = pinned
    shop.drop(ready)
    plan = Plan(shop.slug, pin_id=pin)
    assert plan.do("recovery.prepare_restore")["method"] in ("clone", "copy")
    plan.do("recovery.restore_pin")
    assert len(shop.numbers()) == 60


def test_that_of_an_older_pin_goes_and_all_go_when_none_is_declared(pinned: tuple[Shop, str, str]) -> None:
    shop, pin, ready = pinned
    Pin.objects.filter(pk=pin).update(taken_at=NOW.replace(year=2025))
    newer = Plan(shop.slug, change_id="0193-change").do("recovery.pin")["pin_id"]
    assert ready_copies(now=NOW) == []
    second = ready_name(queries.get_pin(UUID(newer)))
    assert {ready, second} & shop.databases() == {second}
    shop.declare(rollback=replace(shop.service.rollback or RollbackSpec(), ready_copy=False))
    assert ready_copies(now=NOW) == []
    assert second in shop.databases()
    assert drop_ready_copies(now=NOW) == []
    assert {ready, second} & shop.databases() == set()


def test_a_pin_that_was_dropped_leaves_none(pinned: tuple[Shop, str, str]) -> None:
    shop, pin, ready = pinned
    Pin.objects.filter(pk=pin).update(state=PinState.DROPPED)
    assert ready_copies(now=NOW) == []
    assert ready not in shop.databases()
