"""The shop as an ASGI application."""

import html
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from loja import VERSION, catalogue, orders
from loja.config import Config
from loja.database import AWAY, Connection, Database, DatabaseAway
from loja.errors import Refused

LARGEST_BODY = 64 * 1024
Answer = tuple[int, Any]


class Shop:
    """One process of the shop."""

    def __init__(self, config: Config, database: Database) -> None:
        self.config = config
        self.database = database
        self.draining = False
        self.busy = 0

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http":
            return
        self.busy += 1
        try:
            status, answer = await self._answer(scope, receive)
            await self._send(send, status, answer)
        finally:
            self.busy -= 1

    async def _answer(self, scope: dict[str, Any], receive: Callable[..., Any]) -> Answer:
        try:
            return await self._route(scope, receive)
        except Refused as refused:
            return refused.status, {"error": str(refused)}
        except DatabaseAway as away:
            print(f"503 {scope['path']}: the database is away: {away}", flush=True)
            return 503, {"error": "the shop is out of reach for a moment, please try again"}
        except Exception as error:
            # The customer gets a 500, the log the reason: a shop must not die of one request.
            print(f"500 {scope['path']}: {type(error).__name__}: {error}", flush=True)
            return 500, {"error": "internal error"}

    async def _route(self, scope: dict[str, Any], receive: Callable[..., Any]) -> Answer:
        match scope["method"], scope["path"].rstrip("/").split("/")[1:]:
            case "GET" | "HEAD", []:
                return 200, await self._home()
            case "GET" | "HEAD", ["health"]:
                return await self._health()
            case "GET", ["version"]:
                return 200, {"version": VERSION}
            case "GET", ["products"]:
                return 200, await self.database.run(lambda c: catalogue.page(c, _page(scope), self.config.page_size))
            case "GET", ["products", product_id] if product_id.isdigit() and len(product_id) < 10:
                return await self._found(lambda c: catalogue.one(c, int(product_id)))
            case "GET", ["orders", number]:
                return await self._found(lambda c: orders.by_number(c, number))
            case "POST", ["cart"]:
                customer, items = orders.read_items(await _body(receive))
                return 200, await self.database.run(lambda c: orders.fill_cart(c, customer, items))
            case "POST", ["checkout"]:
                return await self._checkout(scope, receive)
            case _, ["health" | "version" | "products" | "orders" | "cart" | "checkout", *_]:
                return (405 if scope["method"] not in ("GET", "HEAD") else 404), {"error": "no such page"}
        return 404, {"error": "no such page"}

    async def _checkout(self, scope: dict[str, Any], receive: Callable[..., Any]) -> Answer:
        key = dict(scope["headers"]).get(b"idempotency-key", b"").decode("latin-1").strip()
        if not 8 <= len(key) <= 200:
            raise Refused(400, "a checkout needs an Idempotency-Key of 8 to 200 characters")
        customer, items = orders.read_items(await _body(receive))
        # The answer leaves only after run() has committed.
        return 201, await self.database.run(lambda c: orders.place(c, key, customer, items))

    async def _health(self) -> Answer:
        if self.draining:
            return 503, {"status": "draining"}
        try:
            await self.database.run(_ask, wait_s=0.5)
        except (DatabaseAway, *AWAY) as error:
            last = self.database.answered_at
            # Requests wait this long for the database; so long the process is of use and must keep its traffic.
            if last is None or time.monotonic() - last > self.config.wait_s:
                return 503, {"status": "database away", "reason": str(error)}
        return 200, {"status": "ok", "version": VERSION}

    async def _found(self, find: Callable[[Connection], Awaitable[Any]]) -> Answer:
        found = await self.database.run(find)
        return (200, found) if found is not None else (404, {"error": "not found"})

    async def _home(self) -> str:
        first = await self.database.run(lambda c: catalogue.page(c, 1, 12))
        rows = "".join(
            f"<li>{html.escape(product['name'])} · {self.config.currency} {product['price']}</li>"
            for product in first["products"]
        )
        title = html.escape(self.config.title)
        return (
            f"<!doctype html><html lang=pt-br><meta charset=utf-8><title>{title}</title>"
            f"<h1>{title}</h1><ul>{rows}</ul><p>loja {VERSION}"
        )

    async def _send(self, send: Callable[..., Any], status: int, answer: Any) -> None:
        kind, body = b"application/json", b""
        if isinstance(answer, str):
            kind, body = b"text/html; charset=utf-8", answer.encode()
        else:
            body = json.dumps(answer, ensure_ascii=False).encode()
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        if status == 503:
            headers.append((b"retry-after", b"2"))
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _ask(connection: Connection) -> None:
    await connection.execute("SELECT 1")


def _page(scope: dict[str, Any]) -> int:
    text = parse_qs(scope["query_string"].decode("latin-1")).get("page", ["1"])[0]
    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise Refused(400, "page is a number from 1")
    return int(text)


async def _body(receive: Callable[..., Any]) -> Any:
    data = b""
    while True:
        message = await receive()
        data += message.get("body", b"")
        if len(data) > LARGEST_BODY:
            raise Refused(413, "the request is too large")
        if not message.get("more_body"):
            break
    try:
        return json.loads(data)
    except ValueError:
        raise Refused(400, "the request is not JSON") from None
