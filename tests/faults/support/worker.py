"""A worker process that carries out plans and nothing else: `python -m tests.faults.support.worker SLOT`."""

from __future__ import annotations

import signal
import sys
import threading

from bonanca.kernel.boot import setup_django
from bonanca.kernel.logs import configure


def main(slot: str) -> None:
    configure()
    setup_django()
    import tests.faults.support.kinds  # noqa: F401 - registers the toy steps
    from bonanca.durable import engine

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    engine.serve(stop, slot)


if __name__ == "__main__":
    main(sys.argv[1])
