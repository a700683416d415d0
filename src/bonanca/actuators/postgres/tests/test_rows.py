"""Rows written since a copy are found by what PostgreSQL knows, whatever the application's clock says."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.databases import copy_database
from bonanca.actuators.postgres.rows import DeclaredTable, UnknownColumns, count_rows, rows_since, written_since
from bonanca.actuators.postgres.sessions import at_database, session
from bonanca.durable.context import FenceToken

ORDERS = DeclaredTable("orders", "number", "created_at")


@dataclass
class Pinned:
    dsn: str
    pin: str
    xid: str
    at: datetime


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Pinned]:
    """A shop with orders 1 to 3, and its copy."""
    name = f"rows{os.urandom(4).hex()}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        with psycopg.connect(cluster.dsn(name)) as connection:
            connection.execute(
                "CREATE TABLE orders (number bigint PRIMARY KEY, total numeric(12,2) NOT NULL,"
                " created_at timestamptz NOT NULL DEFAULT clock_timestamp())"
            )
            connection.execute("INSERT INTO orders (number, total) VALUES (1, 10.10), (2, 20.20), (3, 30.30)")
        facts = copy_database(
            cluster.dsn(name), source=name, target=f"{name}_pin", token=FenceToken(uuid.uuid4(), 1), key=name
        )
        yield Pinned(
            cluster.dsn(name), at_database(cluster.dsn(name), f"{name}_pin"), facts["xid"],
            datetime.fromisoformat(facts["at"]),
        )  # fmt: skip
        for found in (name, f"{name}_pin"):
            admin.execute(f"DROP DATABASE {found} WITH (FORCE)")


def run(shop: Pinned, statement: str) -> None:
    with psycopg.connect(shop.dsn) as connection:
        connection.execute(statement)


def since(shop: Pinned, table: DeclaredTable = ORDERS) -> list[tuple[str, str]]:
    with session(shop.dsn, read_only=True) as kept, session(shop.pin, read_only=True) as pinned:
        return [(row.kind, row.key) for row in rows_since(kept, pinned, table, xid=shop.xid)]


def test_nothing_written_is_nothing_found(shop):
    assert since(shop) == []


def test_new_rows_are_found_in_the_order_of_their_time(shop):
    run(shop, "INSERT INTO orders VALUES (9, 1, '2026-01-02'), (8, 1, '2026-01-03')")
    assert since(shop) == [("new", "9"), ("new", "8")]


def test_a_row_with_a_time_of_long_ago_is_found_too(shop):
    run(shop, "INSERT INTO orders VALUES (7, 1, '1999-01-01')")
    assert since(shop) == [("new", "7")]


def test_a_changed_row_is_told_from_a_new_one_and_a_touched_one_is_neither(shop):
    run(shop, "UPDATE orders SET total = 99.99 WHERE number = 2")
    run(shop, "UPDATE orders SET total = total WHERE number = 3")
    assert since(shop) == [("changed", "2")]


def test_a_migration_that_adds_a_column_changes_no_row(shop):
    run(shop, "ALTER TABLE orders ADD COLUMN channel text")
    run(shop, "UPDATE orders SET channel = 'web'")
    assert since(shop) == []


def test_more_rows_than_a_batch_come_completely(shop):
    run(shop, "INSERT INTO orders (number, total) SELECT g, 1 FROM generate_series(100, 5099) g")
    assert len(since(shop)) == 5000


def test_money_is_not_rounded(shop):
    run(shop, "INSERT INTO orders VALUES (4, 1234567890.10, now())")
    with session(shop.dsn, read_only=True) as kept, session(shop.pin, read_only=True) as pinned:
        (row,) = rows_since(kept, pinned, ORDERS, xid=shop.xid)
    assert '"total":1234567890.10' in row.row
    assert json.loads(row.row)["number"] == 4


def test_the_preview_counts_inserted_and_changed_rows_and_shows_the_newest(shop):
    run(shop, "INSERT INTO orders (number, total) SELECT g, 1 FROM generate_series(11, 17) g")
    run(shop, "UPDATE orders SET total = 0 WHERE number = 1")
    with session(shop.dsn, read_only=True, timeout_s=5) as connection:
        found = written_since(connection, ORDERS, since=shop.at, xid=shop.xid)
    assert (found.inserted, found.changed) == (7, 1)
    assert [row["number"] for row in found.sample] == [17, 16, 15, 14, 13]


def test_a_wrong_declaration_is_named(shop):
    for wrong in (DeclaredTable("pedidos", "n", "t"), DeclaredTable("orders", "n", "created_at")):
        with pytest.raises(UnknownColumns, match=wrong.table):
            since(shop, wrong)
    with pytest.raises(UnknownColumns, match="orders"), session(shop.dsn) as connection:
        written_since(connection, DeclaredTable("orders", "number", "when"), since=shop.at, xid=shop.xid)


def test_every_table_is_counted_exactly(shop):
    with session(shop.dsn) as connection:
        assert count_rows(connection) == {"public.orders": 3}
