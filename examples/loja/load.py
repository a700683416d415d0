"""Buyers of the shop: `load.py --base-url URL --account FILE.jsonl [--rate 20]` buys until it is told to stop.

Arrivals do not wait for answers (an open loop), so a slow shop is not spared. What a buyer was told goes into the
account, one JSON line each, flushed to disk before the next thing happens: `confirmed` (number, total), `refused`
(status), `unanswered` (nobody knows). SIGTERM, SIGINT or the stop file end it; a summary is then written.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import httpx

CUSTOMERS, PRODUCTS = 5000, 20000
# What buyers do, of 100: the rest are checkouts.
READS = (("products", 36), ("product", 20), ("home", 6), ("order", 4), ("cart", 4))
# Statuses after which nobody knows whether the order was placed: the same checkout is sent again.
UNCERTAIN = (502, 504)
ATTEMPTS = 4
LONGEST_REST_S = 5.0
MOST_AT_ONCE = 400


@dataclass
class Counts:
    """What was asked and how it went. A request has failed when it got a 5xx or no answer."""

    total: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    slowest_s: float = 0.0
    seconds: list[float] = field(default_factory=list)

    def note(self, kind: str, status: int | None, elapsed_s: float) -> None:
        """Count one request; `status` None means that no answer came."""
        self.total[kind] += 1
        self.statuses[str(status) if status is not None else "none"] += 1
        if status is None or status >= 500:
            self.failed[kind] += 1
        self.seconds.append(elapsed_s)
        del self.seconds[:-5000]
        self.slowest_s = max(self.slowest_s, elapsed_s)

    def as_json(self) -> dict[str, Any]:
        """The numbers of the live file and of the summary; latencies in seconds, of the last 5000 requests."""
        ordered = sorted(self.seconds)
        return {
            "at": datetime.now(UTC).isoformat(),
            "requests_total": self.total.total(),
            "requests_failed": self.failed.total(),
            "by_kind": {kind: {"total": n, "failed": self.failed[kind]} for kind, n in sorted(self.total.items())},
            "statuses": dict(sorted(self.statuses.items())),
            "orders_confirmed": self.outcomes["confirmed"],
            "orders_refused": self.outcomes["refused"],
            "orders_unanswered": self.outcomes["unanswered"],
            "skipped": self.skipped,
            "p50_s": round(ordered[len(ordered) // 2], 4) if ordered else None,
            "p95_s": round(ordered[len(ordered) * 95 // 100], 4) if ordered else None,
            "slowest_s": round(self.slowest_s, 4),
        }


class Account:
    """What buyers were told, append-only."""

    def __init__(self, file: IO[str], counts: Counts) -> None:
        self._file = file
        self._counts = counts
        self.numbers: list[str] = []

    def write(self, event: str, **facts: Any) -> None:
        """Append one line and put it on disk."""
        self._counts.outcomes[event] += 1
        line = {"event": event, "at": datetime.now(UTC).isoformat(), **facts}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        if event == "confirmed":
            self.numbers.append(facts["number"])


class Buyers:
    """Everybody who buys, over one pool of connections."""

    def __init__(self, client: httpx.AsyncClient, account: Account, counts: Counts, chance: random.Random) -> None:
        self.client, self.account, self.counts, self.chance = client, account, counts, chance
        self._resting: dict[str, float] = {}

    async def act(self) -> None:
        """One buyer does one thing."""
        roll = self.chance.uniform(0, 100)
        for kind, share in READS:
            if roll < share:
                await self._read(kind)
                return
            roll -= share
        await self._buy()

    async def _read(self, kind: str) -> None:
        if kind == "cart":
            await self._send(kind, "POST", "/cart", json=self._basket(self._customer()))
            return
        paths: dict[str, Callable[[], str]] = {
            "home": lambda: "/",
            "products": lambda: f"/products?page={self.chance.randint(1, PRODUCTS // 48)}",
            "product": lambda: f"/products/{self.chance.randint(1, PRODUCTS)}",
            "order": lambda: f"/orders/{self.chance.choice(self.account.numbers[-200:] or ['H-0000001'])}",
        }
        await self._send(kind, "GET", paths[kind]())

    async def _buy(self) -> None:
        customer = self._customer()
        if time.monotonic() < self._resting.get(customer, 0.0):
            self.counts.skipped += 1  # was asked politely to come back later, and has not got so far
            return
        basket, key = self._basket(customer), str(uuid.uuid4())
        for attempt in range(ATTEMPTS):
            answer = await self._send("checkout", "POST", "/checkout", json=basket, headers={"Idempotency-Key": key})
            if answer is not None and answer.status_code not in UNCERTAIN:
                self._told(answer, customer, key)
                return
            await asyncio.sleep(0.3 * 2**attempt)
        self.account.write("unanswered", key=key, customer=customer)

    def _told(self, answer: httpx.Response, customer: str, key: str) -> None:
        if answer.status_code == 201:
            body = answer.json()
            self.account.write(
                "confirmed", key=key, customer=customer, number=body["number"], total_cents=body["total_cents"]
            )
            return
        if answer.status_code == 503:
            with contextlib.suppress(ValueError):  # it may also be a date; then nobody rests
                rest_s = min(LONGEST_REST_S, float(answer.headers.get("retry-after", 0)))
                self._resting[customer] = time.monotonic() + rest_s
        self.account.write("refused", key=key, customer=customer, status=answer.status_code)

    async def _send(self, kind: str, method: str, path: str, **request: Any) -> httpx.Response | None:
        began = time.monotonic()
        try:
            answer = await self.client.request(method, path, **request)
        except httpx.TransportError:
            self.counts.note(kind, None, time.monotonic() - began)
            return None
        self.counts.note(kind, answer.status_code, time.monotonic() - began)
        return answer

    def _customer(self) -> str:
        return f"c-{self.chance.randint(1, CUSTOMERS):05d}"

    def _basket(self, customer: str) -> dict[str, Any]:
        products = self.chance.sample(range(1, PRODUCTS + 1), self.chance.randint(1, 4))
        items = [{"product_id": product_id, "quantity": self.chance.randint(1, 3)} for product_id in products]
        return {"customer": customer, "items": items}


async def run(options: argparse.Namespace) -> Counts:
    """Buy until told to stop, then wait for what is on its way."""
    counts, stop = Counts(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options.account.parent.mkdir(parents=True, exist_ok=True)
    limits = httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=40, keepalive_expiry=5.0)
    with options.account.open("a", encoding="utf-8") as file:
        async with httpx.AsyncClient(base_url=options.base_url, timeout=options.timeout_s, limits=limits) as client:
            buyers = Buyers(client, Account(file, counts), counts, random.Random(options.seed))
            reporter = asyncio.create_task(_report(options, counts, stop))
            await _arrivals(buyers, options.rate, stop)
            await reporter
    return counts


async def _arrivals(buyers: Buyers, rate: float, stop: asyncio.Event) -> None:
    """Let buyers in at the rate, whatever became of those before them."""
    inside: set[asyncio.Task[None]] = set()
    due = time.monotonic()
    while not stop.is_set():
        due += buyers.chance.expovariate(rate)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await stop.wait()
        if len(inside) >= MOST_AT_ONCE:
            buyers.counts.skipped += 1
            continue
        for done in [one for one in inside if one.done()]:
            inside.discard(done)
            done.result()  # an error of this program ends it; it must not look like an error of the shop
        inside.add(asyncio.create_task(buyers.act()))
    if inside:
        await asyncio.gather(*inside)


async def _report(options: argparse.Namespace, counts: Counts, stop: asyncio.Event) -> None:
    """Write the live numbers twice a second and look for the stop file."""
    while not stop.is_set():
        if options.stop_file is not None and options.stop_file.exists():
            stop.set()
        if options.live is not None:
            write_json(options.live, counts.as_json())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await stop.wait()


def write_json(file: Path, data: dict[str, Any]) -> None:
    """Replace a file in one step, so that a reader never sees half of it."""
    aside = file.with_name(f".{file.name}.partial")
    aside.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    aside.replace(file)


def main() -> int:
    """Read the options, buy, write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--account", type=Path, required=True, help="JSON lines, appended")
    parser.add_argument("--rate", type=float, default=20.0, help="arrivals a second")
    parser.add_argument("--timeout-s", type=float, default=12.0, help="how long a buyer waits for an answer")
    parser.add_argument("--summary", type=Path, help="JSON, written at the end")
    parser.add_argument("--live", type=Path, help="JSON, replaced twice a second")
    parser.add_argument("--stop-file", type=Path, help="ends when this file exists")
    parser.add_argument("--seed", type=int, default=None, help="the same buyers do the same things")
    options = parser.parse_args()
    counts = asyncio.run(run(options))
    for file in (options.live, options.summary):
        if file is not None:
            write_json(file, counts.as_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
