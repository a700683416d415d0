"""The engine that this house uses (see docs/decisions/0003-durable-engine.md)."""

from __future__ import annotations

import os
import threading
from uuid import UUID

from bonanca.durable.engine.leases import LeaseEngine


def start(run_id: UUID) -> None:
    """Have the plan carried out once the caller's transaction commits; a rollback leaves nothing."""
    if os.environ.get("BONANCA_ENGINE") == "dbos":
        from bonanca.durable.engine.dbos_engine import DbosEngine

        DbosEngine.start(run_id)
    else:
        LeaseEngine.start(run_id)


def serve(stop: threading.Event, executor_slot: str) -> None:
    """Carry out plans in this process until ``stop``; the worker calls it in a thread."""
    if os.environ.get("BONANCA_ENGINE") == "dbos":
        from bonanca.durable.engine.dbos_engine import DbosEngine

        DbosEngine(executor_slot).run_forever(stop)
    else:
        LeaseEngine(executor_slot).run_forever(stop)
