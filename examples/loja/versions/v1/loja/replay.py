"""Bring set-aside orders back: `python -m loja.replay --config FILE`, rows on stdin, outcomes on stdout.

Each line of stdin is {"table", "row", …} with a row of `orders` or `order_items` as JSON, in any order. An order comes
back whole, in one transaction, with its number, total, items and idempotency key. For each line one outcome is
written: applied, duplicate (it is there already, the same) or conflict (with the reason; nothing was changed).
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from loja.config import load
from loja.migrate import connect

APPLIED, DUPLICATE, CONFLICT = "applied", "duplicate", "conflict"
_COLUMNS = ("number", "idempotency_key", "customer_id", "total_cents", "status", "created_at")
_ITEM_COLUMNS = ("id", "order_number", "product_id", "quantity", "unit_price_cents", "created_at")


@dataclass
class Order:
    """An order that was set aside, and its items."""

    row: dict[str, Any] | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    # (table, key) of the lines it came from
    lines: list[tuple[str, str]] = field(default_factory=list)


def read(lines: Iterator[str]) -> tuple[dict[str, Order], list[dict[str, Any]]]:
    """Orders by number, and the outcomes of lines that are none."""
    orders: dict[str, Order] = {}
    refused = []
    for line in lines:
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            table, row = data["table"].split(".")[-1], data["row"]
            row = json.loads(row) if isinstance(row, str) else row
            if table == "orders":
                order = orders.setdefault(row["number"], Order())
                order.row = row
                order.items += data.get("items") or []
                order.lines.append((table, str(data.get("key") or row["number"])))
            elif table == "order_items":
                order = orders.setdefault(row["order_number"], Order())
                order.items.append(row)
                order.lines.append((table, str(data.get("key") or row["id"])))
            else:
                refused.append(outcome(table, data.get("key"), CONFLICT, f"rows of {table} are not replayed"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            refused.append(outcome(None, None, CONFLICT, f"not a set-aside row: {type(error).__name__} {error}"))
    return orders, refused


def apply(connection: psycopg.Connection[Any], number: str, order: Order) -> tuple[str, str]:
    """Bring one order back; returns the outcome and the reason."""
    if order.row is None:
        return _items_only(connection, number, order)
    row = order.row
    known = connection.execute(
        "SELECT number, idempotency_key, total_cents FROM orders WHERE number = %s OR idempotency_key = %s",
        (number, row["idempotency_key"]),
    ).fetchall()
    if known:
        same = known == [(number, row["idempotency_key"], row["total_cents"])]
        return (DUPLICATE, "") if same else (CONFLICT, f"order {known[0][0]} has its number or its key")
    if not order.items:
        return CONFLICT, "its items are not among the rows"
    total = sum(item["quantity"] * item["unit_price_cents"] for item in order.items)
    if total != row["total_cents"]:
        return CONFLICT, f"its items add up to {total} and its total is {row['total_cents']}: some are missing"
    for item in sorted(order.items, key=lambda one: one["product_id"]):
        taken = connection.execute(
            "UPDATE products SET stock = stock - %s WHERE id = %s AND stock >= %s",
            (item["quantity"], item["product_id"], item["quantity"]),
        )
        if taken.rowcount != 1:
            return CONFLICT, f"product {item['product_id']} is unknown or out of stock"
    _insert(connection, "orders", _COLUMNS, row)
    for item in order.items:
        _insert(connection, "order_items", _ITEM_COLUMNS, item)
    return APPLIED, ""


def replay(dsn: str, wait_s: float, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Bring back every order of `lines`; yields an outcome for each line once its order is decided."""
    orders, refused = read(lines)
    yield from refused
    for number, order in orders.items():
        what, reason = _decided(dsn, wait_s, number, order)
        for table, key in order.lines:
            yield outcome(table, key, what, reason)


def outcome(table: str | None, key: Any, what: str, reason: str) -> dict[str, Any]:
    """One line of the answer."""
    return {"table": table, "key": key, "outcome": what, "reason": reason}


_open: list[psycopg.Connection[Any]] = []


class _Undo(Exception):
    """Leaves a transaction without a trace, with the outcome."""


def _decided(dsn: str, wait_s: float, number: str, order: Order) -> tuple[str, str]:
    """One order in one transaction, again on a new connection when the database goes away in between."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            if not _open:
                _open.append(connect(dsn, wait_s))
            with _open[0].transaction():
                what, reason = apply(_open[0], number, order)
                if what == CONFLICT:
                    raise _Undo(reason)
            return what, reason
        except _Undo as undo:
            return CONFLICT, str(undo)
        except (KeyError, TypeError, psycopg.DataError, psycopg.IntegrityError) as error:
            return CONFLICT, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        except (psycopg.OperationalError, psycopg.InterfaceError):
            for connection in _open:
                connection.close()
            _open.clear()
            if time.monotonic() >= deadline:
                raise


def _items_only(connection: psycopg.Connection[Any], number: str, order: Order) -> tuple[str, str]:
    """Items whose order is not among the rows: fine when they are all there, else somebody has to look."""
    ids = {str(item.get("id")) for item in order.items}
    found = connection.execute("SELECT id::text FROM order_items WHERE order_number = %s", (number,)).fetchall()
    if ids <= {row[0] for row in found}:
        return DUPLICATE, ""
    return CONFLICT, f"order {number} is not among the rows"


def _insert(connection: psycopg.Connection[Any], table: str, columns: tuple[str, ...], row: dict[str, Any]) -> None:
    """Insert the columns that this version knows; a newer version's own columns are left out."""
    names = [name for name in columns if name in row]
    places = ", ".join(["%s"] * len(names))
    text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"
    connection.execute(text.encode(), [row[name] for name in names])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="loja.replay")
    parser.add_argument("--config", type=Path, required=True)
    config = load(parser.parse_args().config)
    for answer in replay(config.dsn(), config.wait_s, iter(sys.stdin)):
        print(json.dumps(answer), flush=True)
