"""The engine that this house uses; why this one: docs/decisions/0003-durable-engine.md."""

from __future__ import annotations

import threading

from bonanca.durable.engine.base import Engine
from bonanca.durable.engine.leases import LeaseEngine


def serve(stop: threading.Event, executor_slot: str) -> None:
    """Carry out plans in this process until ``stop``; the worker calls it in a thread.

    Then the steps that run get some seconds to end, and what is left is another worker's at once.
    """
    engine: Engine = LeaseEngine(executor_slot)
    engine.run_forever(stop)
