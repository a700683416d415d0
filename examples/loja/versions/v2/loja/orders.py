"""Carts and orders."""

import json
import secrets
from typing import Any

from loja.catalogue import money
from loja.database import Connection
from loja.errors import Refused
from loja.loyalty import points

MOST_ITEMS = 50
# Letters and digits that are not mistaken for one another on the phone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_number() -> str:
    """An order number. Random, not counted: a number that was once given out is never given again, whatever database
    we come back to."""
    return "L-" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


def read_items(body: Any) -> tuple[str, dict[int, int]]:
    """The customer and {product: quantity} of a cart or checkout. Raises Refused."""
    try:
        customer = str(body["customer"])
        items: dict[int, int] = {}
        for item in body["items"]:
            product_id, quantity = int(item["product_id"]), int(item.get("quantity", 1))
            items[product_id] = items.get(product_id, 0) + quantity
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused(400, "expected {customer, items: [{product_id, quantity}]}") from None
    if not items or len(items) > MOST_ITEMS or any(not 0 < quantity <= 99 for quantity in items.values()):
        raise Refused(400, f"an order has 1 to {MOST_ITEMS} products, 1 to 99 of each")
    return customer, items


async def fill_cart(connection: Connection, customer: str, items: dict[int, int]) -> dict[str, Any]:
    """Remember what a customer is about to buy."""
    await _customer(connection, customer)
    await connection.execute(
        "INSERT INTO carts (customer_id, items) VALUES (%s, %s)"
        " ON CONFLICT (customer_id) DO UPDATE SET items = excluded.items, updated_at = now()",
        (customer, json.dumps({str(product_id): quantity for product_id, quantity in items.items()})),
    )
    return {"customer": customer, "items": sum(items.values())}


async def place(connection: Connection, key: str, customer: str, items: dict[int, int]) -> dict[str, Any]:
    """Place an order, once for each idempotency key: the second time it is the first order again. Raises Refused."""
    # A retry may meet its own first attempt, still committing on a connection that we lost: it waits for it here.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
    known = await by_key(connection, key)
    if known is not None:
        if known["customer"] != customer:
            raise Refused(409, "this Idempotency-Key belongs to another order")
        return known
    segment = await _customer(connection, customer)
    prices = await _take(connection, items)
    total = sum(prices[product_id] * quantity for product_id, quantity in items.items())
    number = new_number()
    await connection.execute(
        "INSERT INTO orders (number, idempotency_key, customer_id, total_cents, points) VALUES (%s, %s, %s, %s, %s)",
        (number, key, customer, total, points(segment, total)),
    )
    await connection.execute(
        "INSERT INTO order_items (order_number, product_id, quantity, unit_price_cents)"
        " SELECT %s, * FROM unnest(%s::integer[], %s::integer[], %s::integer[])",
        (number, list(items), list(items.values()), [prices[product_id] for product_id in items]),
    )
    await connection.execute("DELETE FROM carts WHERE customer_id = %s", (customer,))
    return _order(number, customer, total, "confirmed")


async def by_key(connection: Connection, key: str) -> dict[str, Any] | None:
    """The order that was placed under an idempotency key."""
    cursor = await connection.execute(
        "SELECT number, customer_id, total_cents, status FROM orders WHERE idempotency_key = %s", (key,)
    )
    row = await cursor.fetchone()
    return None if row is None else _order(*row)


async def by_number(connection: Connection, number: str) -> dict[str, Any] | None:
    """One order with its items."""
    cursor = await connection.execute(
        "SELECT number, customer_id, total_cents, status FROM orders WHERE number = %s", (number,)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    cursor = await connection.execute(
        "SELECT product_id, quantity, unit_price_cents FROM order_items WHERE order_number = %s ORDER BY product_id",
        (number,),
    )
    items = [
        {"product_id": product_id, "quantity": quantity, "unit_price": money(cents)}
        for product_id, quantity, cents in await cursor.fetchall()
    ]
    return {**_order(*row), "items": items}


async def _customer(connection: Connection, customer: str) -> int:
    cursor = await connection.execute("SELECT segment FROM customers WHERE id = %s", (customer,))
    row = await cursor.fetchone()
    if row is None:
        raise Refused(404, "unknown customer")
    return int(row[0])


async def _take(connection: Connection, items: dict[int, int]) -> dict[int, int]:
    """Take the items from the stock; returns their prices in cents. In order of id, so that no two orders deadlock."""
    prices = {}
    for product_id in sorted(items):
        cursor = await connection.execute(
            "UPDATE products SET stock = stock - %(quantity)s WHERE id = %(id)s AND stock >= %(quantity)s"
            " RETURNING price_cents",
            {"id": product_id, "quantity": items[product_id]},
        )
        row = await cursor.fetchone()
        if row is None:
            raise Refused(409, f"product {product_id} is unknown or out of stock")
        prices[product_id] = row[0]
    return prices


def _order(number: str, customer: str, total_cents: int, status: str) -> dict[str, Any]:
    return {
        "number": number,
        "customer": customer,
        "status": status,
        "total": money(total_cents),
        "total_cents": total_cents,
    }
