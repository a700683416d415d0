"""Find and end processes of this host without ever hitting a stranger that got the same pid."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from bonanca.durable.host import alive, process

MARK = "BONANCA_PROCESS"
_POLL_S = 0.02


def marked(marker: str) -> Iterator[tuple[int, int]]:
    """(pid, start) of every living process of this user whose environment carries a marker that starts so."""
    wanted = f"{MARK}={marker}".encode()
    for pid in _pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue  # it has just ended, or belongs to somebody else
        if any(entry.startswith(wanted) for entry in environment.split(b"\0")):
            found = process(pid)
            if found is not None:
                yield pid, found.started


def leader_of(marker: str) -> tuple[int, int] | None:
    """The marked process that leads its session: the one that was started, not a child that inherited the mark."""
    for pid, started in marked(marker):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == pid:
                return pid, started
    return None


def members(leader: int) -> Iterator[tuple[int, int]]:
    """(pid, start) of every living process in the session that `leader` opened."""
    for pid in _pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            found = process(pid) if os.getsid(pid) == leader else None
            if found is not None:
                yield pid, found.started


def end_session(pid: int, started: int, *, marker: str, timeout_s: float) -> bool:
    """End a session: SIGTERM to its leader, then SIGKILL to whatever is left after `timeout_s` seconds.

    True when the leader went by itself. Returns only when no process of it lives.
    """
    gentle = True
    # Only while its leader lives is a session surely ours; later the number could be a stranger's.
    session = set(members(pid)) if alive(pid, started) else set()
    if session:
        _signal(pid, started, signal.SIGTERM)
        _signal(pid, started, signal.SIGCONT)  # a stopped process would never see its SIGTERM
        gentle = _gone(pid, started, timeout_s)
    deadline = time.monotonic() + 5.0
    while left := {one for one in {*session, *marked(marker)} if alive(*one)}:
        if time.monotonic() >= deadline:
            raise OSError(f"processes {sorted(one for one, _ in left)} do not end after SIGKILL")
        for one, since in left:
            _signal(one, since, signal.SIGKILL)
        time.sleep(_POLL_S)
    return gentle


def _gone(pid: int, started: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while alive(pid, started):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _signal(pid: int, started: int, number: signal.Signals) -> None:
    """Signal this process and no later one: the descriptor stays with it even when the pid is given to another."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if alive(pid, started):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)


def _pids() -> list[int]:
    with os.scandir("/proc") as entries:
        return [int(entry.name) for entry in entries if entry.name.isdigit()]
