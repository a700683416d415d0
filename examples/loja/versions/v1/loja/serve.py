"""Serve the shop: `python -m loja.serve --port N --config FILE`."""

import argparse
import asyncio
import logging
import os
import signal
import time
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from loja import VERSION
from loja.app import Shop
from loja.config import load
from loja.database import Database

LONGEST_END_S = 2.7


async def main(port: int, config_file: Path) -> None:
    """Serve until SIGTERM or SIGINT, then end within three seconds."""
    config = load(config_file)
    shop = Shop(config, Database(config.dsn, connections=config.connections, wait_s=config.wait_s))
    server = Server(
        shop, port=port, interface=Interfaces.ASGINL, http=HTTPModes.http1, websockets=False, log_enabled=False
    )
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    serving = asyncio.create_task(server.serve())
    print(f"loja {VERSION} listens on port {port}", flush=True)
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving  # could not listen, or failed
        raise SystemExit("the server ended by itself")
    await _drain(shop, config.drain_s)
    server.stop()
    await shop.database.close()
    print("drained", flush=True)
    # Keep-alive connections of a gateway may stay open for minutes; nothing of ours is on them any more.
    os._exit(0)


async def _drain(shop: Shop, drain_s: float) -> None:
    """Say 503 to health checks while still serving, then let what was begun end."""
    shop.draining = True
    asked_at = time.monotonic()
    await asyncio.sleep(min(drain_s, LONGEST_END_S))
    while shop.busy and time.monotonic() - asked_at < LONGEST_END_S:
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="loja.serve")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(arguments.port, arguments.config))
