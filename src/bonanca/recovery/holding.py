"""Who works on a backup or a drill, and whether that process still lives."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from bonanca.durable import host

BEAT_EVERY_S = 5.0
# A holder on another machine, which we cannot look at, is gone when it was silent for this long.
SILENT_S = 120.0


class Held(Protocol):
    """A row that a process works on."""

    machine: str
    pid: int
    pid_started: int

    @property
    def beat_at(self) -> datetime | None:
        """When it was last heard of."""


def me() -> dict[str, object]:
    """This process as the columns of a Holder."""
    found = host.process(os.getpid())
    return {"machine": host.machine(), "pid": os.getpid(), "pid_started": found.started if found else 0}


def gone(holder: Held, now: datetime) -> bool:
    """Whether the process that holds it will not go on: it is dead, or elsewhere and silent for two minutes."""
    if holder.machine == host.machine():
        return host.alive(holder.pid, holder.pid_started) is None
    return holder.beat_at is None or now - holder.beat_at > timedelta(seconds=SILENT_S)


def running_clock(now: datetime) -> Callable[[], datetime]:
    """The time from `now` on, measured without reading the wall clock again."""
    began = monotonic()
    return lambda: now + timedelta(seconds=monotonic() - began)
