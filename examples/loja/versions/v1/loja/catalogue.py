"""Products, as customers see them."""

from typing import Any

from loja.database import Connection


def money(cents: int) -> str:
    """Cents as a decimal text: 1290 is "12.90"."""
    return f"{cents // 100}.{cents % 100:02d}"


async def page(connection: Connection, number: int, size: int) -> dict[str, Any]:
    """One page of products by id, the first page is 1."""
    cursor = await connection.execute(
        "SELECT id, sku, name, category, price_cents, stock FROM products ORDER BY id LIMIT %s OFFSET %s",
        (size, (number - 1) * size),
    )
    return {"page": number, "products": [_product(row) for row in await cursor.fetchall()]}


async def one(connection: Connection, product_id: int) -> dict[str, Any] | None:
    """One product, or None."""
    cursor = await connection.execute(
        "SELECT id, sku, name, category, price_cents, stock FROM products WHERE id = %s", (product_id,)
    )
    row = await cursor.fetchone()
    return None if row is None else _product(row)


def _product(row: tuple[Any, ...]) -> dict[str, Any]:
    product_id, sku, name, category, price_cents, stock = row
    return {
        "id": product_id,
        "sku": sku,
        "name": name,
        "category": category,
        "price": money(price_cents),
        "price_cents": price_cents,
        "in_stock": stock > 0,
    }
