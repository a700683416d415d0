"""The buyers keep an honest account, and the reconciliation finds every way in which the shop could break it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.loja.conftest import EXAMPLE, Shop
from tests.support.poll import eventually


class Load:
    """A load generator that runs."""

    def __init__(self, shop: Shop, folder: Path, *options: str) -> None:
        self.account, self.summary, self.live = folder / "account.jsonl", folder / "summary.json", folder / "live.json"
        files = ["--account", self.account, "--summary", self.summary, "--live", self.live]
        words = ["--base-url", f"http://127.0.0.1:{shop.port}", "--rate", "60", *options]
        self.process = subprocess.Popen([sys.executable, str(EXAMPLE / "load.py"), *map(str, files), *words])

    def until(self, orders: int) -> None:
        eventually(lambda: self.live.exists() and json.loads(self.live.read_text())["orders_confirmed"] >= orders)

    def end(self) -> dict[str, Any]:
        assert self.process.wait(timeout=20) == 0
        summary: dict[str, Any] = json.loads(self.summary.read_text())
        return summary

    def reconcile(self, shop: Shop) -> tuple[int, dict[str, Any]]:
        words = ["--account", str(self.account), "--dsn-file", str(shop.config.parent / "dsn")]
        done = subprocess.run(
            [sys.executable, str(EXAMPLE / "reconcile.py"), *words], capture_output=True, text=True, check=False
        )
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def bought(shop: Shop, tmp_path: Path) -> Load:
    """Buyers have bought and gone."""
    load = Load(shop, tmp_path, "--stop-file", str(tmp_path / "stop"))
    load.until(orders=15)
    (tmp_path / "stop").touch()
    load.end()
    return load


def test_the_account_the_summary_and_the_database_agree(shop: Shop, tmp_path: Path) -> None:
    load = Load(shop, tmp_path)
    load.until(orders=15)
    load.process.send_signal(signal.SIGTERM)
    summary = load.end()
    lines = [json.loads(line) for line in load.account.read_text().splitlines()]
    confirmed = [line for line in lines if line["event"] == "confirmed"]
    assert summary["orders_confirmed"] == len(confirmed) >= 15
    assert summary["requests_failed"] == 0
    assert summary["requests_total"] == sum(kind["total"] for kind in summary["by_kind"].values())
    assert set(summary["by_kind"]) >= {"checkout", "products", "product"}
    assert load.reconcile(shop)[0] == 0
    assert shop.sql("SELECT count(*) FROM orders WHERE number LIKE 'L-%'") == [(len(confirmed),)]


def test_lost_changed_and_doubled_orders_are_found(shop: Shop, bought: Load) -> None:
    code, before = bought.reconcile(shop)
    assert (code, before["agrees"]) == (0, True)
    (lost,), (dearer,), (emptied,), (doubled,) = shop.sql("SELECT number FROM orders WHERE number LIKE 'L-%' LIMIT 4")
    shop.sql(f"DELETE FROM orders WHERE number = '{lost}'")
    shop.sql(f"UPDATE orders SET total_cents = total_cents + 1 WHERE number = '{dearer}'")
    shop.sql(f"DELETE FROM order_items WHERE order_number = '{emptied}'")
    with bought.account.open("a") as account:
        line = next(json.loads(line) for line in bought.account.read_text().splitlines() if doubled in line)
        account.write(json.dumps({**line, "number": "L-ANOTHER"}) + "\n")
        account.write('{"event": "confi')  # cut off while it was written
    code, after = bought.reconcile(shop)
    assert code == 1
    assert after["lost"] == sorted([lost, "L-ANOTHER"])
    assert after["differing"] == sorted([dearer, emptied])
    assert after["duplicated"] == sorted([doubled, "L-ANOTHER"])


def test_buyers_outlive_a_shop_that_dies_and_send_the_same_checkout_again(shop: Shop, tmp_path: Path) -> None:
    load = Load(shop, tmp_path)
    load.until(orders=5)
    shop.end()
    eventually(lambda: json.loads(load.live.read_text())["statuses"].get("none", 0) > 10)
    shop.serve()
    load.until(orders=json.loads(load.live.read_text())["orders_confirmed"] + 10)
    load.process.send_signal(signal.SIGTERM)
    summary = load.end()
    assert summary["requests_failed"] >= summary["statuses"]["none"] > 10
    code, result = load.reconcile(shop)
    assert (code, result["unaccounted"]) == (0, [])
