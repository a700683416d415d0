"""After an incident every failed order is placed exactly once, though the worker is killed while they are run again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loja.conftest import Shop, make_shop, releases, seeded
from tests.promises.instance import Instance
from tests.support.poll import eventually

__all__ = ["make_shop", "releases", "seeded"]

ORDERS, LOST_ANSWERS = 40, 5
DECLARATION = """version: 1
teams:
  - slug: loja
    members: [{{email: ana@loja.example, role: commander}}]
services:
  - slug: loja-api
    team: loja
    run: {{replicas: [{{port: {port}}}]}}
    reexecution:
      rate_per_s: 20
      sources:
        - {{name: checkout, log: {{file: {log}}}, again: {{http: {{timeout_s: 5}}}}}}
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    made = Instance(tmp_path_factory.mktemp("again") / "home", smtp_port=1)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def failed_orders(began: datetime) -> list[dict[str, Any]]:
    """The log of an hour in which every checkout was answered with an error."""
    return [
        {
            "request_id": f"req-{number:04}",
            "time": (began + timedelta(seconds=number)).isoformat(),
            "status": 502,
            "method": "POST",
            "path": "/checkout",
            "idempotency_key": f"cart-of-{number:04}",
            "body": {"customer": "c-00005", "items": [{"product_id": 7, "quantity": 1}]},
        }
        for number in range(ORDERS)
    ]


def test_every_failed_order_is_placed_once_though_the_worker_is_killed(
    instance: Instance, make_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    shop = make_shop()
    shop.serve()
    shop.sql("UPDATE products SET stock = 1000 WHERE id = 7")
    began = datetime.now(UTC) - timedelta(hours=1)
    lines = failed_orders(began)
    # Of some only the answer was lost: the order itself had got through.
    for line in lines[:LOST_ANSWERS]:
        assert shop.buy(line["idempotency_key"], items={7: 1})[0] == 201
    log = tmp_path / "access.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    declaration = tmp_path / "bonanca.yaml"
    declaration.write_text(DECLARATION.format(port=shop.port, log=log))
    instance.said("apply", str(declaration))

    since = f"{began - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    found = json.loads(instance.said("reexecute", "find", "loja-api", "--since", since, "--json"))
    assert found["counts"]["chosen"] == ORDERS
    instance.said("reexecute", "start", found["id"])

    def placed() -> int:
        return int(shop.sql("SELECT count(*) FROM orders WHERE idempotency_key LIKE 'cart-of-%'")[0][0])

    for enough in (LOST_ANSWERS + 5, LOST_ANSWERS + 20):
        eventually(lambda enough=enough: placed() >= enough, timeout_s=60)
        worker = instance.pid("worker")
        os.kill(worker, signal.SIGKILL)
        eventually(lambda worker=worker: instance.pid("worker") not in (0, worker), timeout_s=60)

    def ended() -> dict[str, Any] | None:
        shown: dict[str, Any] = json.loads(instance.said("reexecute", "show", found["id"], "--json"))["list"]
        return shown if shown["state"] in ("done", "stopped") else None

    eventually(ended, timeout_s=120)
    report = ended()
    assert report is not None
    assert report["state"] == "done", report
    assert report["counts"]["done"] == ORDERS, report["counts"]
    assert placed() == ORDERS
    # Each took one from the stock, and none took two.
    assert shop.sql("SELECT stock FROM products WHERE id = 7") == [(1000 - ORDERS,)]
    items = "SELECT sum(quantity) FROM order_items JOIN orders ON number = order_number"
    assert shop.sql(f"{items} WHERE idempotency_key LIKE 'cart-of-%'") == [(ORDERS,)]
    out = tmp_path / "report.csv"
    instance.said("reexecute", "report", found["id"], "--out", str(out))
    assert out.read_text().count("checkout,req-") == ORDERS
