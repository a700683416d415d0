"""A copy of the newest pin lies ready where that is declared: going back then waits for no copying."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from bonanca.catalog.spec import RollbackSpec
from bonanca.kernel.clock import utc_now
from bonanca.recovery import queries
from bonanca.recovery.operations.prepare_spares import prepare_spares
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.replaying import damage, pinned, prices, rollback
from bonanca.recovery.tests.shop import NOW


class Killed(BaseException):
    """As if the process had ended there."""


@pytest.fixture
def shop(replaying_shop):
    return replaying_shop


def interrupted(monkeypatch, at: str) -> None:
    def hook(name: str) -> None:
        if name == at:
            raise Killed

    monkeypatch.setattr("bonanca.durable.crashpoints.hook", hook)


WELL = {100 * number for number in range(1, 41)}


def with_spare(shop) -> None:
    """The shop declares that a copy lies ready."""
    shop.declare(rollback=RollbackSpec(spare=True))


def test_a_copy_that_lies_ready_is_put_in_place_and_made_again(shop):
    with_spare(shop)
    _plan, pin = pinned(shop)
    assert prepare_spares(now=NOW) == []
    ready = queries.get_pin(UUID(pin["pin_id"])).spare_name
    assert ready in shop.databases()
    assert prepare_spares(now=NOW) == []
    damage(shop)
    back = rollback(shop, pin)
    assert back.do("recovery.prepare_restore")["method"] == "spare"
    assert ready not in shop.databases()
    back.do("recovery.restore_pin")
    assert prices(shop) == WELL
    assert shop.ask("SHOW default_transaction_read_only") == [("off",)]
    # The pin is still whole, and the next return finds a copy ready as well.
    assert prepare_spares(now=NOW) == []
    again = queries.get_pin(UUID(pin["pin_id"])).spare_name
    assert again in shop.databases()
    assert again != ready


def test_a_spare_copy_that_somebody_dropped_is_made_anew_by_the_plan(shop):
    with_spare(shop)
    _plan, pin = pinned(shop)
    prepare_spares(now=NOW)
    shop.drop(queries.get_pin(UUID(pin["pin_id"])).spare_name)
    damage(shop)
    back = rollback(shop, pin)
    assert back.do("recovery.prepare_restore")["method"] in ("copy", "clone")
    back.do("recovery.restore_pin")
    assert prices(shop) == WELL


def test_a_spare_copy_goes_with_its_pin_and_only_the_newest_pin_has_one(shop):
    with_spare(shop)
    _plan, first = pinned(shop)
    prepare_spares(now=NOW)
    second = Plan(shop.slug, change_id="0193-change").do("recovery.pin")
    prepare_spares(now=NOW)
    assert queries.get_pin(UUID(first["pin_id"])).spare_name == ""
    newest = queries.get_pin(UUID(second["pin_id"])).spare_name
    assert [name for name in shop.databases() if "spare" in name] == [newest]
    shop.declare(rollback=RollbackSpec())
    assert prepare_spares(now=NOW) == []
    assert [name for name in shop.databases() if "spare" in name] == []


def test_a_spare_copy_whose_making_was_interrupted_is_finished_or_dropped(shop, monkeypatch):
    with_spare(shop)
    _plan, pin = pinned(shop)
    interrupted(monkeypatch, "postgres.copy.made")
    with pytest.raises(Killed):
        prepare_spares(now=NOW)
    monkeypatch.undo()
    begun = queries.get_pin(UUID(pin["pin_id"]))
    assert begun.spare_name in shop.databases()
    assert begun.spare_at is None
    # A plan does not take what is not whole.
    damage(shop)
    back = rollback(shop, pin)
    assert back.do("recovery.prepare_restore")["method"] in ("copy", "clone")
    assert prepare_spares(now=NOW + timedelta(minutes=1)) == []
    assert queries.get_pin(UUID(pin["pin_id"])).spare_at is not None
    shop.declare(rollback=RollbackSpec())
    prepare_spares(now=NOW + timedelta(minutes=2))
    assert [name for name in shop.databases() if "spare" in name] == []


def test_a_copy_that_a_plan_has_begun_is_finished_although_a_spare_lies_ready_by_now(shop, monkeypatch):
    with_spare(shop)
    _plan, pin = pinned(shop)
    back = rollback(shop, pin)
    interrupted(monkeypatch, "postgres.copy.made")
    with pytest.raises(Killed):
        back.do("recovery.prepare_restore")
    monkeypatch.undo()
    prepare_spares(now=NOW)
    assert back.do("recovery.prepare_restore")["method"] in ("copy", "clone", None)
    back.do("recovery.restore_pin")
    assert prices(shop) == WELL


def test_a_clock_that_was_ahead_keeps_no_rollback_waiting(shop):
    with_spare(shop)
    _plan, pin = pinned(shop)
    prepare_spares(now=utc_now() + timedelta(hours=1))
    shop.drop(queries.get_pin(UUID(pin["pin_id"])).spare_name)
    damage(shop)
    back = rollback(shop, pin)
    back.do("recovery.prepare_restore")
    back.do("recovery.restore_pin")
    assert prices(shop) == WELL
