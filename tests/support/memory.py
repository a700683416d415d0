"""A folder in memory where the machine has room: for servers whose every sync a test would wait for."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY, _PREFIX = Path("/dev/shm"), "bonanca-test-"
_ROOM_BYTES = 2_000_000_000


@contextmanager
def quick_folder() -> Iterator[Path]:
    """In memory, else below the temporary folder; removed at the end, or by the next test when that was killed."""
    here = _MEMORY if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES else None
    if here is not None:
        _remove_left(here)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=here))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            shutil.rmtree(path, ignore_errors=True)
