"""Parts of an instance whose supervisor was killed: they are ending by themselves; we see to it that they have."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from bonanca.cli.supervisor.instance import state_file


def started_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot: with its pid a lasting name. None: it is gone."""
    try:
        # The name in parentheses may hold spaces; the 22nd field counts from after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def end_leftovers(home: Path, patience_s: float = 5.0) -> list[str]:
    """End the parts that a killed supervisor of this home wrote down; return the names of those still alive then.

    Call it while holding the home: nobody else's parts are in the file then.
    """
    try:
        stated: dict[str, Any] = json.loads(state_file(home).read_text())
        parts = {name: (int(part["pid"]), int(part["started"])) for name, part in stated["parts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    found = [name for name, (pid, started) in parts.items() if started_ticks(pid) == started]
    deadline = time.monotonic() + patience_s
    while left := [pid for pid, started in parts.values() if started_ticks(pid) == started]:
        # They got SIGTERM when their supervisor died; a stopped one cannot act upon it.
        harder = time.monotonic() > deadline
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if harder:
                    os.killpg(pid, signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGCONT)
        if time.monotonic() > deadline + 2.0:
            break
        time.sleep(0.05)
    state_file(home).unlink(missing_ok=True)
    return found
