"""Version 2 breaks what the demonstration needs broken, and what it confirmed can come back on version 1."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loja.conftest import EXAMPLE, Shop, run_python


@pytest.fixture
def storm(make_shop: Callable[..., Shop]) -> Iterator[Shop]:
    """Version 2, deployed over a database of version 1."""
    shop = make_shop("v2")
    assert shop.program("migrate").strip() == "applied 0003_customer_week.sql"
    shop.serve()
    yield shop
    shop.end()


def set_aside(shop: Shop, *tables: str) -> list[dict[str, Any]]:
    """The rows of bought orders as a rollback sets them aside: PostgreSQL's own JSON of each."""
    lines = []
    for table, key, which in (
        ("orders", "number", "number LIKE 'L-%'"),
        ("order_items", "id", "order_number LIKE 'L-%'"),
    ):
        if table in tables:
            rows = shop.sql(f"SELECT {key}::text, row_to_json(t)::text FROM {table} t WHERE {which}")
            lines += [{"table": f"public.{table}", "key": name, "row": json.loads(row)} for name, row in rows]
    return lines


def replay(shop: Shop, lines: list[Any]) -> list[dict[str, Any]]:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    return [json.loads(line) for line in shop.program("replay", stdin=text).splitlines()]


def test_version_2_fails_part_of_the_checkouts_and_damages_prices(storm: Shop) -> None:
    answers = [storm.buy(f"storm-{number:04d}", customer=f"c-{number:05d}")[0] for number in range(1, 51)]
    assert {status: answers.count(status) for status in set(answers)} == {201: 20, 500: 30}
    assert storm.sql("SELECT count(*) FROM products WHERE price_cents <= 0") == [(6000,)]
    assert storm.get("/health")[0] == 200
    assert storm.get("/version")[1] == {"version": "2.0.0"}
    assert storm.sql("SELECT count(*) FROM orders WHERE number LIKE 'L-%'") == [(20,)]


def test_orders_of_version_2_come_back_on_version_1_and_only_once(storm: Shop, make_shop: Callable[..., Shop]) -> None:
    orders = [storm.buy(f"storm-{number:04d}", items={number: 1, 10 * number: 3})[1] for number in range(1, 6)]
    rows = set_aside(storm, "orders", "order_items")
    restored = make_shop()
    answers = replay(restored, rows)
    assert {answer["key"] for answer in answers} == {row["key"] for row in rows}
    assert {answer["outcome"] for answer in answers} == {"applied"}
    restored.serve()
    for number, order in enumerate(orders, start=1):
        assert restored.get(f"/orders/{order['number']}")[1] == storm.get(f"/orders/{order['number']}")[1]
        assert restored.buy(f"storm-{number:04d}", customer="c-00005") == (201, order)
    stock = "SELECT sum(stock) FROM products"
    assert restored.sql(stock) == storm.sql(stock)
    assert {answer["outcome"] for answer in replay(restored, rows)} == {"duplicate"}
    assert restored.sql(stock) == storm.sql(stock)


def test_what_cannot_come_back_says_why_and_changes_nothing(storm: Shop, make_shop: Callable[..., Shop]) -> None:
    for number in range(1, 5):
        storm.buy(f"storm-{number:04d}", items={number: 1, 10 * number: 3})
    by_table = {table: set_aside(storm, table) for table in ("orders", "order_items")}
    wrong_total, no_items, sold_out, no_customer = (line["row"] for line in by_table["orders"])
    wrong_total["total_cents"] += 1
    items = [line for line in by_table["order_items"] if line["row"]["order_number"] != no_items["number"]]
    no_customer["customer_id"] = "c-99999"
    restored = make_shop()
    products = [line["row"]["product_id"] for line in items if line["row"]["order_number"] == sold_out["number"]]
    restored.sql(f"UPDATE products SET stock = 0 WHERE id = {products[0]}")
    before = restored.sql("SELECT count(*), (SELECT sum(stock) FROM products) FROM orders")

    strange = [{"table": "carts", "key": "c-1", "row": {}}, "not json"]
    answers = replay(restored, by_table["orders"] + items + strange)
    assert {answer["outcome"] for answer in answers} == {"conflict"}
    reasons = {answer["key"]: answer["reason"] for answer in answers}
    assert "add up to" in reasons[wrong_total["number"]]
    assert "items are not among the rows" in reasons[no_items["number"]]
    assert f"product {products[0]} is unknown or out of stock" in reasons[sold_out["number"]]
    assert "ForeignKeyViolation" in reasons[no_customer["number"]]
    assert "carts are not replayed" in reasons["c-1"]
    assert "not a set-aside row" in reasons[None]
    assert restored.sql("SELECT count(*), (SELECT sum(stock) FROM products) FROM orders") == before


def test_an_order_that_another_one_replaced_is_a_conflict(storm: Shop, make_shop: Callable[..., Shop]) -> None:
    storm.buy("storm-0001")
    restored = make_shop()
    restored.serve()
    other = restored.buy("storm-0001")[1]["number"]
    answers = replay(restored, set_aside(storm, "orders", "order_items"))
    assert {answer["outcome"] for answer in answers} == {"conflict"}
    assert other in answers[0]["reason"]


def test_the_repository_is_the_same_on_every_machine(tmp_path: Path) -> None:
    made = [run_python(str(EXAMPLE / "make_repository.py"), str(tmp_path / name)).stdout for name in ("a.git", "b")]
    assert made[0] == made[1]
    refused = subprocess.run(
        [sys.executable, str(EXAMPLE / "make_repository.py"), str(tmp_path / "b")], capture_output=True, check=False
    )
    assert refused.returncode != 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_version_2_holds_only_what_it_changes() -> None:
    v1, v2 = EXAMPLE / "versions" / "v1", EXAMPLE / "versions" / "v2"
    changed = {
        str(path.relative_to(v2)) for path in v2.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in changed if not (v1 / name).exists()} == {
        "loja/loyalty.py",
        "migrations/0003_customer_week.sql",
    }
    assert "deploy/loja.toml" in changed
    for name in changed:
        assert not (v1 / name).exists() or (v1 / name).read_bytes() != (v2 / name).read_bytes()
