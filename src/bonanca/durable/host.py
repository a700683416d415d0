"""Who runs here: this host, this process, and whether another process of this host still lives.

A process is a pid *and* its start time, because pids are reused.
"""

from __future__ import annotations

import os
import signal
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """``state`` as in proc(5): R, S, D, T (stopped), t (traced)…; ``started`` in clock ticks since boot."""

    state: str
    started: int

    @property
    def stopped(self) -> bool:
        return self.state in "Tt"


def process(pid: int) -> Process | None:
    """The living process ``pid``, or None when there is none (a dead one that waits to be reaped is none)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    found = Process(fields[0], int(fields[19]))
    return None if found.state in "ZX" else found


def alive(pid: int, started: int) -> Process | None:
    """As ``process``, but only when it is the one that started then."""
    found = process(pid)
    return found if found is not None and found.started == started else None


@cache
def machine() -> str:
    """Names the kernel and pid namespace: inside it, pids can be compared and killed."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink().name}"


@cache
def host_id() -> str:
    """Names this host to other workers. ``BONANCA_HOST_ID`` overrides it."""
    return os.environ.get("BONANCA_HOST_ID") or f"{socket.gethostname()}/{machine()}"


def kill_stopped(pid: int, started: int) -> bool:
    """SIGKILL that process if it is stopped (SIGSTOP, a debugger); False when it is not."""
    found = alive(pid, started)
    if found is None or not found.stopped:
        return False
    try:
        handle = os.pidfd_open(pid)  # holds the process, so that the pid cannot become another's before the signal
    except ProcessLookupError:
        return False
    try:
        again = alive(pid, started)
        if again is None or not again.stopped:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True
