"""What the rest of the room asks of an engine: run plans until told to stop (`durable.wake` wakes it)."""

from __future__ import annotations

import threading
from typing import Protocol


class Engine(Protocol):
    """The engine decides *who* carries out a plan and *when*; what is done is the interpreter's."""

    def run_forever(self, stop: threading.Event) -> None:
        """Carry out plans until ``stop``; then give back what can be given back."""
