"""A deployment need not hold a single write, whatever the size of the data, and comes back with everything it had.

Pinned is only a position in the log that is archived anyway; going back restores the backup and the log beside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bonanca.cli.demo.ground import SERVICE
from bonanca.cli.demo.person import wait_for
from tests.promises.stage import Stage, shop_stage


def by_the_log(declaration: str) -> str:
    """The shop's declaration, backed up whole with its log, and pinned by it."""
    declaration = declaration.replace("strategy: instant", "pin: log")
    return declaration.replace("      every_h: 24\n", "      every_h: 24\n      engine: physical\n      wal: {}\n", 1)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with shop_stage(tmp_path_factory.mktemp("log") / "home", by_the_log) as made:
        made.deploy("v1")
        wait_for("the log", lambda: _log(made).get("running"), timeout_s=60)
        made.product.command("backup", "take", SERVICE)
        yield made


def _log(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.beto.get("wal", service=SERVICE) or {}
    return found


def rows(stage: Stage, *tables: str) -> list[str]:
    query = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t"
    return [str(stage.ground.query(query.format(table))[0][0]) for table in tables]


def prices(stage: Stage) -> list[tuple[object, ...]]:
    """Without the stock, which an order that is applied again takes from as it did the first time."""
    return stage.ground.query("SELECT id, price_cents FROM products ORDER BY id")


def test_a_deployment_holds_no_write_and_is_taken_back_by_the_log(stage: Stage) -> None:
    stage.order()
    at_v1 = prices(stage)
    stage.deploy("v2", override_reason="the drill comes later")
    (pin,) = stage.beto.get("pins", service=SERVICE)
    assert (pin["kind"], pin["held_seconds"], pin["copy_name"]) == ("log", 0.0, "")
    databases = [str(row[0]) for row in stage.ground.query("SELECT datname FROM pg_database")]
    assert not [name for name in databases if "_pin_" in name]
    stage.order()
    there, at_v2 = stage.orders(), rows(stage, "products", "orders", "order_items")

    # Nobody has to know which strategy that needs: it is the one that fits the pin.
    asked = json.loads(stage.product.command("rollback", "propose", "CHG-2", "--reason", "Prices are wrong", "--json"))
    assert (asked["preview"]["strategy"], [c["passed"] for c in asked["preview"]["checks"] if not c["passed"]]) == (
        "point_in_time",
        [],
    )
    stage.ana.post(f"response-plans/{asked['id']}/approve")
    stage.finished(asked["id"])
    # Prices are those of before, and the order that came since was applied again.
    assert prices(stage) == at_v1
    assert stage.orders() == there

    undo = stage.beto.post(f"response-plans/{asked['id']}/undo")
    stage.ana.post(f"response-plans/{undo['id']}/approve")
    stage.finished(undo["id"])
    assert rows(stage, "products", "orders", "order_items") == at_v2
