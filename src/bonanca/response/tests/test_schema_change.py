"""Keeping the data: what the earlier code would meet is read from the two schemas, and said."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.catalog.spec import DatabaseSpec
from bonanca.response.schema_change import schema_change
from bonanca.response.strategy_checks import keep_data_checks
from tests.support.loja import Shop

ORDERS = "CREATE TABLE orders (number bigint PRIMARY KEY, total numeric(10, 2)); CREATE TABLE notes (id int)"


@pytest.fixture
def pinned(scratch_database: str, cluster: Cluster) -> Iterator[str]:
    """The name of a copy of the scratch database, from before what a test does to it."""
    name = scratch_database.rpartition("/")[2]
    with psycopg.connect(scratch_database, autocommit=True) as connection:
        connection.execute(ORDERS)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}_pin" TEMPLATE "{name}"'.encode())
        yield f"{name}_pin"
        connection.execute(f'DROP DATABASE "{name}_pin" WITH (FORCE)'.encode())


def migrate(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_what_is_gone_changed_or_demanded_breaks_and_the_rest_was_added(scratch_database: str, pinned: str) -> None:
    assert schema_change(scratch_database, pinned=pinned) == schema_change(scratch_database, pinned=pinned)
    assert not schema_change(scratch_database, pinned=pinned).breaks
    migrate(
        scratch_database,
        "ALTER TABLE orders ADD points int, ADD level text NOT NULL DEFAULT 'a', ADD coupon text NOT NULL",
        "ALTER TABLE orders ALTER total TYPE numeric(12, 2)",
        "DROP TABLE notes",
        "CREATE TABLE customers (id int NOT NULL)",
    )
    found = schema_change(scratch_database, pinned=pinned)
    assert (found.gone, found.changed) == (("public.notes",), ("public.orders.total",))
    assert found.demanded == ("public.orders.coupon",)
    assert found.added == ("public.customers", "public.orders.level", "public.orders.points")


@pytest.mark.django_db
def test_the_check_holds_warns_or_refuses(shop: Shop, scratch_database: str, pinned: str) -> None:
    (shop.folder / "dsn").write_text(scratch_database)
    shop.declare(database=DatabaseSpec(shop.folder / "dsn", scratch_database.rpartition("/")[2]))
    pin = shop.pin(shop.propose(), copy_name=pinned)

    def check() -> tuple[bool, bool, str]:
        [found] = keep_data_checks(shop.service, pin)
        return found.passed, found.warns, found.words

    assert check()[:2] == (True, False)
    migrate(scratch_database, "ALTER TABLE orders ADD points int")
    assert check()[:2] == (True, True)
    assert "public.orders.points" in check()[2]
    migrate(scratch_database, "ALTER TABLE orders DROP total")
    assert check()[0] is False
    assert "public.orders.total" in check()[2]
    [unknown] = keep_data_checks(shop.service, shop.pin(shop.propose(), copy_name="loja_pin_gone"))
    assert (unknown.passed, unknown.warns, "not known" in unknown.words) == (True, True, True)
