"""The demonstration shop does what a shop does, and stays honest while its database is away."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from tests.loja.conftest import Shop
from tests.support.poll import eventually


def test_it_shows_its_catalogue(steady: Shop) -> None:
    assert steady.get("/version") == (200, {"version": "1.0.0"})
    status, first = steady.get("/products")
    assert status == 200
    assert first == steady.get("/products?page=1")[1]
    assert first["products"][0]["price"] == f"{first['products'][0]['price_cents'] / 100:.2f}"
    assert steady.get(f"/products/{first['products'][3]['id']}") == (200, first["products"][3])
    status, home = steady.get("/")
    assert status == 200
    assert "Loja da Praça" in home


def test_its_database_is_not_a_toy(steady: Shop) -> None:
    ((products, orders, items, bad),) = steady.sql(
        "SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM orders), (SELECT count(*) FROM order_items),"
        " (SELECT count(*) FROM products WHERE price_cents <= 0)"
    )
    assert (products, bad) == (20000, 0)
    assert orders >= 20000
    assert items >= 40000


def test_a_checkout_is_one_order_however_often_it_is_sent(steady: Shop) -> None:
    status, order = steady.buy("key-00000001", items={7: 2, 9: 1})
    assert status == 201
    assert steady.buy("key-00000001", items={7: 2, 9: 1}) == (201, order)
    status, seen = steady.get(f"/orders/{order['number']}")
    assert status == 200
    assert seen["total_cents"] == order["total_cents"]
    assert [(item["product_id"], item["quantity"]) for item in seen["items"]] == [(7, 2), (9, 1)]
    assert steady.sql("SELECT stock FROM products WHERE id = 9") == [(99999,)]


def test_the_same_checkout_sent_at_once_is_one_order(steady: Shop) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: steady.buy("key-00000002"), range(16)))
    assert {status for status, _ in answers} == {201}
    assert len({order["number"] for _, order in answers}) == 1


@pytest.mark.parametrize(
    ("path", "body", "key", "status"),
    [
        ("/checkout", {"customer": "c-00001", "items": [{"product_id": 1}]}, "", 400),
        ("/checkout", {"customer": "c-00001", "items": []}, "key-12345678", 400),
        ("/checkout", {"customer": "c-00001", "items": [{"product_id": "x"}]}, "key-12345678", 400),
        ("/checkout", [1], "key-12345678", 400),
        ("/checkout", {"customer": "nobody", "items": [{"product_id": 1}]}, "key-12345678", 404),
        ("/checkout", {"customer": "c-00001", "items": [{"product_id": 999999}]}, "key-12345678", 409),
        ("/cart", {"customer": "c-00001", "items": [{"product_id": 1, "quantity": 0}]}, "", 400),
        ("/health", None, "", 405),
        ("/nothing", None, "", 404),
    ],
)
def test_wrong_requests_are_refused_and_change_nothing(
    steady: Shop, path: str, body: Any, key: str, status: int
) -> None:
    before = steady.sql("SELECT count(*), (SELECT sum(stock) FROM products) FROM orders")
    answered, reason, _headers = steady.ask("POST", path, body, {"Idempotency-Key": key})
    assert (answered, "error" in reason) == (status, True)
    assert steady.sql("SELECT count(*), (SELECT sum(stock) FROM products) FROM orders") == before


def test_a_cart_is_remembered_until_it_is_bought(steady: Shop) -> None:
    body = {"customer": "c-00009", "items": [{"product_id": 3, "quantity": 2}]}
    assert steady.ask("POST", "/cart", body)[0] == 200
    assert steady.sql("SELECT items FROM carts WHERE customer_id = 'c-00009'") == [({"3": 2},)]
    steady.buy("key-00000003", customer="c-00009")
    assert steady.sql("SELECT count(*) FROM carts") == [(0,)]


def away_for(shop: Shop, cluster: Cluster, seconds: float) -> None:
    """Rename the database away, ending every session, and back: the rudest thing that a restore does to a service."""
    name = shop.dsn.rpartition("/")[2]
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        rename(connection, name, f"{name}_away")
        threading.Event().wait(seconds)
        rename(connection, f"{name}_away", name)


def rename(connection: psycopg.Connection[Any], old: str, new: str) -> None:
    def attempt() -> bool:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (old,))
        try:
            connection.execute(f"ALTER DATABASE {old} RENAME TO {new}".encode())
        except psycopg.errors.ObjectInUse:
            return False
        return True

    eventually(attempt)


def test_an_absent_database_costs_time_and_no_order(shop: Shop, cluster: Cluster) -> None:
    answers: list[tuple[int, Any]] = []
    health: list[int] = []
    stop = threading.Event()

    def buyer(name: int) -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            answers.append(shop.buy(f"away-{name}-{number:05d}"))
            health.append(shop.get("/health")[0])

    with ThreadPoolExecutor(4) as pool:
        buyers = [pool.submit(buyer, name) for name in range(4)]
        try:
            eventually(lambda: len(answers) > 20)
            away_for(shop, cluster, 1.5)
            several = len(answers) + 20
            eventually(lambda: len(answers) > several)
        finally:
            stop.set()
        for one in buyers:
            one.result()
    assert {status for status, _ in answers} == {201}
    assert set(health) == {200}
    numbers = [order["number"] for _, order in answers]
    assert len(set(numbers)) == len(numbers)
    assert shop.sql("SELECT count(*) FROM orders WHERE idempotency_key LIKE 'away-%'") == [(len(numbers),)]


def test_connections_cut_at_any_moment_double_nothing(shop: Shop, cluster: Cluster) -> None:
    name = shop.dsn.rpartition("/")[2]
    stop, often_enough = threading.Event(), threading.Event()

    def cut() -> None:
        rounds = 0
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            while not stop.wait(0.1):
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
                rounds += 1
                if rounds > 5:
                    often_enough.set()

    answers: list[Any] = []
    with ThreadPoolExecutor(5) as pool:
        cutter = pool.submit(cut)
        try:
            # However fast the machine is, orders go on until there were cuts among them.
            while not often_enough.is_set() and not cutter.done():
                batch = range(len(answers), len(answers) + 50)
                answers += pool.map(lambda number: shop.buy(f"cut-{number:05d}"), batch)
        finally:
            stop.set()
        cutter.result()
    assert often_enough.is_set()
    assert {status for status, _ in answers} == {201}
    held = shop.sql("SELECT number FROM orders WHERE idempotency_key LIKE 'cut-%'")
    assert {number for (number,) in held} == {order["number"] for _, order in answers}


def test_a_database_that_stays_away_is_a_polite_503(shop: Shop, cluster: Cluster) -> None:
    shop.end()
    shop.config.write_text(shop.config.read_text().replace("wait_s = 6.0", "wait_s = 0.3"))
    shop.serve()
    name = shop.dsn.rpartition("/")[2]
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        rename(connection, name, f"{name}_away")
        try:
            status, _, headers = shop.ask("GET", "/products")
            assert (status, headers["retry-after"]) == (503, "2")
            eventually(lambda: shop.get("/health")[0] == 503)
        finally:
            rename(connection, f"{name}_away", name)
    eventually(lambda: shop.get("/health")[0] == 200)


def test_it_drains_before_it_ends(shop: Shop) -> None:
    assert shop.process is not None
    with ThreadPoolExecutor(1) as pool, psycopg.connect(shop.dsn) as blocker:
        blocker.execute("LOCK TABLE products IN EXCLUSIVE MODE")
        slow = pool.submit(shop.buy, "drain-0001")
        with psycopg.connect(shop.dsn, autocommit=True) as watch:
            waiting = b"SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'products'::regclass"
            eventually(lambda: watch.execute(waiting).fetchone() == (1,))
        asked = time.monotonic()
        shop.process.send_signal(signal.SIGTERM)
        eventually(lambda: shop.get("/health")[0] == 503)
        assert shop.get("/products")[0] == 200  # still serving who comes
        blocker.rollback()
        assert slow.result()[0] == 201
    assert shop.process.wait(timeout=5) == 0
    assert time.monotonic() - asked < 3.0


def test_without_its_database_it_does_not_claim_to_be_well(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop()
    (shop.config.parent / "dsn").write_text(f"postgresql://nobody@127.0.0.1:{os.getpid() % 1000 + 2}/none")
    shop.launch()
    eventually(lambda: shop.get("/health")[0] == 503)
    assert shop.get("/version")[0] == 200
