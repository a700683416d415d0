"""The output of detached processes: plain files, cut by size, that need no process to feed them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LIMIT_BYTES = 8 * 1024 * 1024
KEPT = 3


def log_place(root: Path, name: str) -> Path:
    """Where a replica writes."""
    return root / "log" / f"{name}.log"


def open_log(path: Path) -> int:
    """A descriptor that always appends, so that cutting the file never leaves a hole before the next line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rotate(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)


def rotate(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> bool:
    """Move the content aside when it has grown past the limit; the writer keeps its open file.

    Lines written between the copy and the cut are lost; the size bound is worth that for a service's own chatter.
    """
    if not path.exists() or path.stat().st_size < limit_bytes:
        return False
    for age in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{age}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{age + 1}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


def tail(path: Path, *, max_bytes: int = 1500) -> str:
    """The end of a log, for an error message; "" when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - max_bytes))
            return file.read().decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""
