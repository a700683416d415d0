"""A rollback of data is taken back byte for byte, and what was written since is counted before and set aside then."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bonanca.durable.registry import handler
from bonanca.recovery import queries
from bonanca.recovery.tests.plans import parsed
from bonanca.recovery.tests.replaying import damage, pinned, prices, rollback


@pytest.fixture
def shop(replaying_shop):
    return replaying_shop


def test_every_step_can_be_taken_back_byte_for_byte(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    before = (shop.ask("SELECT * FROM orders ORDER BY 1"), prices(shop), (shop.folder / "loja.toml").read_bytes())
    plan = rollback(shop, pin)
    order = ["prepare_restore", "restore_pin", "set_aside", "restore_config", "reapply_rows"]
    for kind in order:
        plan.do(f"recovery.{kind}")
    shop.run("INSERT INTO orders (total_cents) VALUES (999)")  # somebody bought from the restored shop
    for kind in reversed(order):
        plan.undo(f"recovery.{kind}")
    after = (shop.ask("SELECT * FROM orders ORDER BY 1"), prices(shop), (shop.folder / "loja.toml").read_bytes())
    assert after == before
    (kept,) = queries.kept_databases(shop.slug)
    assert "_undone_" in kept.name
    assert shop.ask("SELECT count(*) FROM orders WHERE total_cents = 999", kept.name) == [(1,)]
    undone, rolled_back = sorted(queries.set_asides_of(shop.slug), key=lambda found: found.total)
    assert rolled_back.counts["pending"] == rolled_back.total == 3
    # The three that were applied again are in both databases; the one that came since waits for a person.
    assert [(row.key, row.kind, row.outcome) for row in undone.undecided] == [("64", "new", "decision")]
    assert (undone.total, undone.kept_database) == (1, kept.name)


def test_an_undo_whose_worker_died_after_the_swap_still_lists_what_was_written_since(shop, monkeypatch):
    _deployment, pin = pinned(shop)
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    shop.run("INSERT INTO orders (total_cents) VALUES (999)")

    def killed(name: str) -> None:
        raise KeyboardInterrupt

    undo, receipt = plan.context("recovery.restore_pin", run_id=uuid4()), plan.receipts["recovery.restore_pin"]
    monkeypatch.setattr("bonanca.recovery.steps.set_aside.point", killed)
    with pytest.raises(KeyboardInterrupt):
        handler("recovery.restore_pin").undo(undo, receipt)
    monkeypatch.undo()
    assert queries.set_asides_of(shop.slug) == ()
    back = handler("recovery.restore_pin").undo(undo, receipt)
    (aside,) = queries.set_asides_of(shop.slug)
    assert (str(aside.id), back["rows"]) == (back["set_aside_id"], 1)
    assert (aside.kept_database, len(shop.numbers())) == (back["kept"], 60)


def test_what_an_undo_would_set_aside_is_counted_without_what_was_applied_again(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    plan = rollback(shop, pin)
    for kind in ("restore_pin", "set_aside", "reapply_rows"):
        plan.do(f"recovery.{kind}")
    swapped = plan.receipts["recovery.restore_pin"]
    since = {"kept": swapped["kept"], "at": parsed(swapped["at"]), "xid": swapped["xid"]}
    (none,) = queries.rows_since_swap(shop.slug, **since)
    assert (none.written_since, none.changed) == (0, 0)
    shop.run("INSERT INTO orders (total_cents) VALUES (999)")
    shop.run("UPDATE orders SET total_cents = 8 WHERE number = 2")
    (one,) = queries.rows_since_swap(shop.slug, **since)
    assert (one.written_since, one.changed, one.problem) == (1, 1, "")
    assert sorted(row["total_cents"] for row in one.sample) == [8, 999]
    shop.drop(swapped["kept"])  # without it nothing can be compared: rather too many than too few
    (more,) = queries.rows_since_swap(shop.slug, **since)
    assert (more.written_since, more.changed) == (1, 4)
