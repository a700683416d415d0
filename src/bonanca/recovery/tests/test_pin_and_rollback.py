"""Pin, damage, go back, re-apply, and take all of it back: code's data, configuration and rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from uuid import UUID

import pytest

from bonanca.catalog.spec import DatabaseSpec, RowsAtRisk
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.registry import handler
from bonanca.recovery import folders, queries
from bonanca.recovery.models import SetAside
from bonanca.recovery.operations.expire_pins import expire_pins
from bonanca.recovery.state import PinState
from bonanca.recovery.steps import reapply
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.replaying import damage, pinned, prices, rollback
from bonanca.recovery.tests.shop import NOW


@pytest.fixture
def shop(replaying_shop):
    return replaying_shop


def test_a_pin_keeps_database_and_configuration_and_says_what_it_cost(shop):
    _plan, receipt = pinned(shop)
    pin = queries.pin_of_change("0192-change")
    assert pin is not None
    assert str(pin.id) == receipt["pin_id"]
    assert pin.held_seconds is not None
    assert pin.held_seconds < 5
    assert dict(pin.row_counts) == {"public.orders": 60, "public.products": 40}
    assert queries.pinned_configuration(pin.id) == b"limit = 10\n"
    assert queries.latest_pin(shop.slug) == pin
    assert shop.ask("SHOW default_transaction_read_only", pin.copy_name) == [("on",)]


def test_a_pin_knows_the_release_that_runs(make_shop, tmp_path):
    shop = make_shop()
    root = tmp_path / "var"
    (root / "releases" / "0123456789ab").mkdir(parents=True)
    (root / "current").symlink_to("releases/0123456789ab")
    _plan, receipt = pinned(shop)
    assert receipt["release_sha"] == "0123456789ab"


def test_a_service_without_data_or_configuration_is_pinned_by_its_code_alone(make_shop):
    shop = make_shop(database=None, config=None, backup=None)
    receipt = Plan(shop.slug, change_id="c").do("recovery.pin")
    assert (receipt["copy"], receipt["config_sha256"], receipt["rows"]) == ("", "", 0)


def test_rows_at_risk_are_counted_live(shop):
    _plan, receipt = pinned(shop)
    damage(shop)
    shop.run("UPDATE orders SET total_cents = 7 WHERE number = 1")
    (table,) = queries.rows_at_risk(shop.slug, queries.get_pin(_id(receipt)).id, NOW)
    assert (table.table, table.written_since, table.changed) == ("orders", 3, 1)
    assert [row["total_cents"] for row in table.sample] == [203, 202, 201]


def test_an_unreadable_table_has_a_problem_and_no_number(make_shop):
    shop = make_shop()
    _plan, receipt = pinned(shop)
    assert shop.service.database is not None
    wrong = DatabaseSpec(shop.service.database.dsn_file, shop.name, (RowsAtRisk("pedidos", "n", "t"),))
    shop.declare(database=wrong)
    (table,) = queries.rows_at_risk(shop.slug, _id(receipt), NOW)
    assert table.written_since is None
    assert "pedidos" in table.problem


def test_the_whole_way_back_loses_no_order(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    plan = rollback(shop, pin)
    plan.do("recovery.prepare_restore")
    swapped = plan.do("recovery.restore_pin")
    assert (prices(shop), len(shop.numbers())) == ({100 * n for n in range(1, 41)}, 60)
    assert prices(shop, swapped["kept"]) == {0}
    set_aside = plan.do("recovery.set_aside")
    assert (set_aside["rows"], set_aside["to_reapply"], set_aside["to_decide"]) == (3, 3, 0)
    assert plan.do("recovery.restore_config")["changed"]
    assert (shop.folder / "loja.toml").read_text() == "limit = 10\n"
    done = plan.do("recovery.reapply_rows")
    assert {name: n for name, n in done["counts"].items() if n} == {"applied": 3}
    assert len(shop.numbers()) == 63
    assert [kept.name for kept in queries.kept_databases(shop.slug)] == [swapped["kept"]]
    found = queries.set_aside_of_run(plan.run_id)
    assert found is not None
    assert found.reapplied_at is not None


def test_one_can_go_back_to_the_same_pin_twice(shop):
    _deployment, pin = pinned(shop)
    for _round in range(2):
        damage(shop)
        rollback(shop, pin).do("recovery.restore_pin")
        assert len(shop.numbers()) == 60
    assert len(queries.kept_databases(shop.slug)) == 2


def test_a_swap_cannot_be_undone_when_the_kept_database_was_dropped(shop):
    _deployment, pin = pinned(shop)
    plan = rollback(shop, pin)
    kept = plan.do("recovery.restore_pin")["kept"]
    shop.drop(kept)
    with pytest.raises(NotUndoable, match=kept):
        plan.undo("recovery.restore_pin")


def test_numbers_that_were_given_out_are_not_given_again(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    plan.do("recovery.set_aside")
    shop.run("INSERT INTO orders (total_cents) VALUES (999)")
    assert shop.numbers()[-1] == 64


def test_set_aside_rows_are_private_and_exact(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    shop.run("UPDATE orders SET total_cents = 7 WHERE number = 1")
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    receipt = plan.do("recovery.set_aside")
    assert (receipt["to_reapply"], receipt["to_decide"]) == (3, 1)
    path = Path(receipt["file"])
    assert path.stat().st_mode & 0o077 == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["table"], line["key"], line["kind"]) for line in lines] == [
        ("orders", "1", "changed"),
        ("orders", "61", "new"),
        ("orders", "62", "new"),
        ("orders", "63", "new"),
    ]
    assert lines[1]["row"]["total_cents"] == 201


def test_conflicts_are_shown_and_do_not_stop_the_rest(shop):
    _deployment, pin = pinned(shop)
    shop.run("INSERT INTO orders (total_cents) VALUES (201), (666), (203)")
    plan = rollback(shop, pin)
    for kind in ("restore_pin", "set_aside", "reapply_rows"):
        done = plan.do(f"recovery.{kind}")
    assert done["undecided"] == [{"table": "orders", "key": "62", "reason": "out of stock"}]
    assert done["counts"]["applied"] == 2


def test_a_replay_that_breaks_off_goes_on_where_it_stopped(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    plan.do("recovery.set_aside")
    good = shop.service.replay
    shop.declare(replay=(*good, "break"))
    with pytest.raises(StepFailed, match="failed"):
        plan.do("recovery.reapply_rows")
    shop.declare(replay=good)
    plan.take_over()
    assert plan.do("recovery.reapply_rows")["counts"]["applied"] == 3
    assert len(shop.numbers()) == 63


def test_a_replay_without_answers_is_said_to_be_one(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    shop.declare(replay=(sys.executable, "-c", "import sys; sys.stdin.read()"))
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    plan.do("recovery.set_aside")
    with pytest.raises(StepFailed, match="without an answer about 3 rows"):
        plan.do("recovery.reapply_rows")


ODD = r"""
import json, sys
keys = [json.loads(line)["key"] for line in sys.stdin]
print('{"key": "%s", "outcome": "conflict", "reason": "n\\u0000o \\ud800"}' % keys[0])
print('{"key": "%s", "outcome": "applied", "table": ["orders"]}' % keys[1])
print("[" * 100_000)
print('{"outcome": "applied", "key": "' + "x" * 1_000_000 + '"}')
for key in keys[1:]:
    print('{"key": "%s", "outcome": "applied"}' % key)
"""


def test_answers_may_hold_anything_and_stop_no_rollback(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    shop.declare(replay=(sys.executable, "-c", ODD))
    plan = rollback(shop, pin)
    for kind in ("restore_pin", "set_aside", "reapply_rows"):
        done = plan.do(f"recovery.{kind}")
    assert done["undecided"] == [{"table": "orders", "key": "61", "reason": "n\ufffdo \ufffd"}]
    assert done["counts"]["applied"] == 2


def test_a_replay_that_prints_without_end_takes_no_more_of_the_disk(shop, monkeypatch, tmp_path):
    monkeypatch.setattr(reapply, "MOST_ANSWERS", 100_000)
    _deployment, pin = pinned(shop)
    damage(shop)
    noise = "import sys; sys.stdin.read(); sys.stdout.write('noise\\n' * 1_000_000)"
    shop.declare(replay=(sys.executable, "-c", noise))
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    plan.do("recovery.set_aside")
    for _attempt in range(2):
        with pytest.raises(StepFailed, match="without an answer about 3 rows"):
            plan.do("recovery.reapply_rows")
    [kept] = SetAside.objects.values_list("file", flat=True)
    assert Path(kept).with_suffix(".outcomes.jsonl").stat().st_size == 100_000


def test_without_a_declared_replay_the_rows_wait_for_a_decision(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    shop.declare(replay=())
    plan = rollback(shop, pin)
    for kind in ("restore_pin", "set_aside", "reapply_rows"):
        done = plan.do(f"recovery.{kind}")
    assert done["counts"]["decision"] == 3


def test_bonancas_own_server_is_refused_with_the_reason(shop, cluster):
    (shop.folder / "dsn").write_text(cluster.dsn(shop.name))
    with pytest.raises(StepFailed, match="own records"):
        Plan(shop.slug, change_id="c").do("recovery.pin")
    with pytest.raises(StepFailed, match="own records"):
        handler("recovery.restore_pin").apply(rollback(shop, _pin_row(shop)).context("recovery.restore_pin"))


class Died(BaseException):
    """Stands for SIGKILL inside one process."""


@pytest.fixture
def dying(monkeypatch):
    """Die once at a crash point."""

    def at(name: str) -> None:
        armed = [name]

        def hook(passed: str) -> None:
            if passed in armed:
                armed.remove(passed)
                raise Died

        monkeypatch.setattr("bonanca.durable.crashpoints.hook", hook)

    return at


def test_a_worker_that_dies_before_it_recorded_the_pin_is_taken_over(shop, dying):
    plan = Plan(shop.slug, change_id="c")
    dying("recovery.pin.kept")
    with pytest.raises(Died):
        plan.do("recovery.pin")
    plan.take_over()
    receipt = plan.do("recovery.pin")
    assert shop.databases() == {shop.name, receipt["copy"]}
    assert len(queries.pins_of(shop.slug)) == 1


def test_a_worker_that_dies_before_it_recorded_the_list_is_taken_over(shop, dying):
    _deployment, pin = pinned(shop)
    damage(shop)
    plan = rollback(shop, pin)
    plan.do("recovery.restore_pin")
    dying("recovery.set_aside.exported")
    with pytest.raises(Died):
        plan.do("recovery.set_aside")
    plan.take_over()
    assert plan.do("recovery.set_aside")["rows"] == 3
    assert plan.do("recovery.reapply_rows")["counts"]["applied"] == 3


@pytest.mark.parametrize("place", ["postgres.copy.made", "recovery.pin.kept"])
def test_a_copy_that_never_became_a_pin_is_dropped_by_the_undo(shop, dying, place):
    plan = Plan(shop.slug, change_id="c")
    dying(place)
    with pytest.raises(Died):
        plan.do("recovery.pin")
    assert len(shop.databases()) == 2
    for _again in range(2):
        plan.undo_begun("recovery.pin")
        assert shop.databases() == {shop.name}


@pytest.mark.parametrize("kind", ["recovery.prepare_restore", "recovery.restore_pin"])
def test_a_copy_that_was_to_take_the_place_is_dropped_by_the_undo(shop, dying, kind):
    _deployment, pin = pinned(shop)
    before = shop.databases()
    plan = rollback(shop, pin)
    dying("postgres.copy.made")
    with pytest.raises(Died):
        plan.do(kind)
    assert len(shop.databases()) == len(before) + 1
    for _again in range(2):
        plan.undo_begun(kind)
        assert shop.databases() == before


def test_expired_pins_are_dropped_except_the_last_way_back(shop):
    _first, old = pinned(shop)
    _second, new = pinned(shop)
    from bonanca.recovery.models import Pin

    Pin.objects.update(expires_at=NOW)
    assert expire_pins(now=NOW) == []
    assert queries.get_pin(_id(old)).state is PinState.DROPPED
    assert queries.get_pin(_id(new)).state is PinState.READY
    assert old["copy"] not in shop.databases()
    assert new["copy"] in shop.databases()
    with pytest.raises(StepFailed, match="any more"):
        rollback(shop, old).do("recovery.restore_pin")


def test_the_configuration_comes_back_with_its_mode_and_a_missing_one_is_removed_again(shop):
    config = shop.folder / "loja.toml"
    config.chmod(0o640)
    _deployment, pin = pinned(shop)
    config.write_text("other")
    config.chmod(0o600)
    plan = rollback(shop, pin)
    plan.do("recovery.restore_config")
    assert (config.read_text(), config.stat().st_mode & 0o777) == ("limit = 10\n", 0o640)
    config.unlink()
    _deployment, without = pinned(shop)
    config.write_text("new")
    rollback(shop, without).do("recovery.restore_config")
    assert not config.exists()


def test_nothing_temporary_is_left(shop):
    _deployment, pin = pinned(shop)
    damage(shop)
    plan = rollback(shop, pin)
    for kind in ("restore_pin", "set_aside", "reapply_rows"):
        plan.do(f"recovery.{kind}")
    assert list((folders.root() / "set-aside").glob("*.partial")) == []


def _id(receipt: dict):

    return UUID(receipt["pin_id"])


def _pin_row(shop) -> dict:
    from bonanca.access.actors import SYSTEM
    from bonanca.recovery.operations.record_pin import PinnedState, record_pin

    state = PinnedState(taken_at=NOW, database=shop.name, copy_name=f"{shop.name}_pin", xid="1")
    pin = record_pin(service=shop.slug, change_id="c", state=state, key="k", actor=SYSTEM("test"), now=NOW)
    return {"pin_id": str(pin.id)}
