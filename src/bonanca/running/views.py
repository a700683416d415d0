from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.running.state import ReplicaState


@dataclass(frozen=True)
class SeenReplica:
    """One replica at this moment."""

    name: str
    port: int
    state: ReplicaState
    release: str = ""
    restarts: int = 0
    restarted_at: datetime | None = None
    error: str = ""
