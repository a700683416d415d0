"""What a server that was killed leaves behind, found by its data directory and never by its name alone."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_IPC_RMID = 0


@dataclass(frozen=True)
class PidFile:
    """The lines of postmaster.pid that matter here. `shared_memory` is the id of the small SysV segment."""

    pid: int
    port: int
    shared_memory: int | None
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    """Return what postmaster.pid of a data directory says; None when there is none, or it is being written."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        # A later line appears once the server has come that far; the port is the fourth, the status the eighth.
        memory = lines[6].split() if len(lines) > 6 else []
        return PidFile(
            pid=int(lines[0]),
            port=int(lines[3]),
            shared_memory=int(memory[1]) if len(memory) > 1 else None,
            ready=len(lines) > 7 and lines[7].strip() == "ready",
        )
    except (OSError, ValueError, IndexError):
        return None


def server_processes(data: Path) -> list[int]:
    """Return the pids of all server processes that work in this data directory (postmaster and its children)."""
    try:
        wanted = data.stat()
    except OSError:
        return []
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # Every PostgreSQL process changes into its data directory; device and inode survive renames and mounts.
            here = (entry / "cwd").stat()
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue
        if (here.st_dev, here.st_ino) == (wanted.st_dev, wanted.st_ino) and name == "postgres":
            found.append(int(entry.name))
    return sorted(found)


def postmaster_of(data: Path) -> int | None:
    """Return the pid of the running postmaster of a data directory, or None when its file is stale."""
    stated = read_pid_file(data)
    return stated.pid if stated and stated.pid in server_processes(data) else None


def end_servers(data: Path, timeout_s: float = 20.0) -> list[int]:
    """End every server process of the data directory, politely first; return the pids that were found."""
    found = server_processes(data)
    postmaster = postmaster_of(data)
    if postmaster is not None:
        _signal(postmaster, signal.SIGINT)
    # Children whose postmaster was killed notice it by themselves, usually within milliseconds.
    for patience_s, then in ((timeout_s * 0.6, signal.SIGQUIT), (timeout_s * 0.4, signal.SIGKILL), (5.0, None)):
        deadline = time.monotonic() + patience_s
        while left := server_processes(data):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if not left or then is None:
            break
        for pid in left:
            _signal(pid, then)
    return found


def forget_shared_memory(data: Path) -> None:
    """Remove the SysV segment that a killed server left in the kernel, once nobody uses the data directory.

    The next start would do it; this is for a home that is never started again.
    """
    stated = read_pid_file(data)
    if stated is None or stated.shared_memory is None or server_processes(data):
        return
    ctypes.CDLL(None, use_errno=True).shmctl(stated.shared_memory, _IPC_RMID, None)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
