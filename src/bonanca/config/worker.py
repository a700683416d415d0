"""The worker process: reactions, periodic jobs and durable plans, each in threads of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import structlog

from bonanca.config.rooms import ROOMS
from bonanca.kernel.boot import setup_django
from bonanca.kernel.logs import configure
from bonanca.kernel.plugins import load

log = structlog.get_logger(__name__)


def main(slot: str = "1") -> int:
    """Run until SIGTERM or SIGINT; `slot` tells several workers of one host apart.

    Returns the exit code: 1 when one of its threads ended by itself, so that the supervisor starts
    a whole worker again rather than leaving half of one.
    """
    configure()
    setup_django(operator=False)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for room in ROOMS:
        load(f"{room}.worker")
    failed = run(_parts(slot), stop)
    return 1 if failed else 0


def _parts(slot: str) -> dict[str, Callable[[threading.Event], None]]:
    from bonanca.durable import engine
    from bonanca.outbox import dispatch, periodic

    return {
        "reactions": dispatch.serve,
        "periodic jobs": periodic.serve,
        "plans": lambda stop: engine.serve(stop, slot),
    }


def run(parts: dict[str, Callable[[threading.Event], None]], stop: threading.Event) -> list[str]:
    """Run every part in a thread until `stop`; return the names of those that ended before it."""
    failed: list[str] = []

    def watch(name: str, part: Callable[[threading.Event], None]) -> None:
        try:
            part(stop)
        finally:
            if not stop.is_set():
                log.error("a part of the worker ended", part=name)
                failed.append(name)
                stop.set()

    threads = [threading.Thread(target=watch, args=item, name=item[0]) for item in parts.items()]
    for thread in threads:
        thread.start()
    log.info("worker ready", parts=list(parts))
    for thread in threads:
        thread.join()
    return failed
