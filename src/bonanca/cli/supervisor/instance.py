"""One `bonanca up` per BONANCA_HOME, and what it tells other commands of the machine about itself."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bonanca.kernel.errors import Conflict


class AlreadyRunning(Conflict):
    """Another supervisor runs on this home."""


def state_file(home: Path) -> Path:
    """Return the file that describes the running instance."""
    return home / "run" / "state.json"


def read_state(home: Path) -> dict[str, Any] | None:
    """Return what the running instance says about itself, or None when none runs (a file left by a kill is ignored)."""
    try:
        stated = json.loads(state_file(home).read_text())
    except (OSError, ValueError):
        return None
    return stated if isinstance(stated, dict) and is_running(home) else None


def is_running(home: Path) -> bool:
    """Tell whether a supervisor holds this home now."""
    try:
        with (home / "run" / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def write_state(home: Path, state: dict[str, Any]) -> None:
    """Replace the description in one step."""
    path = state_file(home)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(state, indent=1) + "\n")
    part.replace(path)


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold this home for the time of the block; the kernel lets go of it however the process ends.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    folder = home / "run"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stated = read_state(home) or {}
            where = f" at {stated['url']} (process {stated['pid']})" if "url" in stated and "pid" in stated else ""
            raise AlreadyRunning(
                f"Bonança already runs on {home}{where}.",
                hint="Stop that one with Ctrl-C or SIGTERM, or use another BONANCA_HOME.",
            ) from None
        try:
            yield
        finally:
            state_file(home).unlink(missing_ok=True)


def describe(home: Path, **facts: Any) -> dict[str, Any]:
    """Return the common head of a description."""
    return {"pid": os.getpid(), "home": str(home), **facts}
