"""Append a line once per key: a toy whose effect, done twice, is seen by anyone who counts lines.

The key is part of the line, so the mark and the effect are one write and cannot be torn apart.
"""

from __future__ import annotations

import os
from pathlib import Path

from bonanca.actuators.files.atomic import remove, sync_folder, write_atomic

SEPARATOR = "\t"


def find_line(path: Path, key: str) -> str | None:
    """The line appended under `key`, without the key; None when there is none."""
    for line in _lines(path):
        text, separator, owner = line.rpartition(SEPARATOR)
        if separator and owner == key:
            return text
    return None


def append_line(path: Path, *, key: str, line: str) -> bool:
    """Append `line` marked with `key`; False when it was there already.

    Raises:
        ValueError: the line or the key holds a line break or a tab.
        OSError: the file cannot be written.
    """
    if any(mark in text for text in (line, key) for mark in ("\n", "\r", SEPARATOR)):
        raise ValueError("a line and its key must hold no line break and no tab")
    if find_line(path, key) is not None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not write_atomic: an append must stay an append, so that two workers that both believe in their turn are caught.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        _drop_torn_tail(handle)
        before = os.fstat(handle).st_size
        os.write(handle, f"{line}{SEPARATOR}{key}\n".encode())
        try:
            os.fsync(handle)
        except OSError:
            # Memory shows a line that the disk may not have: the next attempt must not find it there.
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    sync_folder(path.parent)
    return True


def remove_line(path: Path, *, key: str) -> bool:
    """Take away what was appended under `key`; False when there was nothing. An emptied file is removed."""
    lines = _lines(path)
    kept = [line for line in lines if line.rpartition(SEPARATOR)[2] != key]
    if len(kept) == len(lines):
        return False
    if kept:
        write_atomic(path, "".join(f"{line}\n" for line in kept).encode())
    else:
        remove(path)
    return True


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.split("\n")[:-1]  # what follows the last line break was never finished


def _drop_torn_tail(handle: int) -> None:
    """A worker killed inside its write may leave part of a line: it never happened, and must not be joined to ours."""
    size = os.fstat(handle).st_size
    data = os.pread(handle, size, 0)
    whole = data.rfind(b"\n") + 1
    if whole != size:
        os.ftruncate(handle, whole)
