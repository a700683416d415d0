"""Named places at which a test can stop this process and kill it exactly there.

Does nothing unless ``BONANCA_CRASHPOINTS`` names a directory: then the first process that reaches a point for
which a file ``<dir>/<name>`` exists renames that file to ``<name>@<pid>`` and waits until it is gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_DIRECTORY = os.environ.get("BONANCA_CRASHPOINTS")

# Tests inside one process (hypothesis) put a function here that raises.
hook: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Pass by, unless a test waits here."""
    if hook is not None:
        hook(name)
    if _DIRECTORY is not None:
        _pause(Path(_DIRECTORY), name)


def _pause(directory: Path, name: str) -> None:
    reached = directory / f"{name}@{os.getpid()}"
    try:
        (directory / name).rename(reached)  # atomic: exactly one process stops at an armed point
    except FileNotFoundError:
        return
    while reached.exists():
        time.sleep(0.005)
