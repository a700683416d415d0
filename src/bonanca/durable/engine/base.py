"""What the rest of the room asks of an engine: wake somebody, and run plans until told to stop."""

from __future__ import annotations

import threading
from typing import Protocol
from uuid import UUID


class Engine(Protocol):
    """The engine decides *who* carries out a plan and *when*; what is done is the interpreter's."""

    def start(self, run_id: UUID) -> None:
        """Have the plan carried out, once the caller's transaction commits; a rollback leaves nothing."""

    def run_forever(self, stop: threading.Event) -> None:
        """Carry out plans until ``stop``; then give back what can be given back."""
