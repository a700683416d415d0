"""Hear of files in a folder as soon as whoever writes them has closed them (inotify: nothing is polled)."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLOSED_AFTER_WRITING = 0x00000008
_HEAD = struct.Struct("iIII")
_READ_BYTES = 64 * 1024


class Finished:
    """Names of files that were closed after writing, each once a close. What the kernel dropped is not told again."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def names(self, wait_s: float) -> list[str]:
        """Those since the last call; waits at most so long for the first."""
        if not select.select([self._handle], [], [], wait_s)[0]:
            return []
        data, found, at = os.read(self._handle, _READ_BYTES), [], 0
        while at < len(data):
            _watch, _mask, _cookie, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            if name:
                found.append(os.fsdecode(name))
        return found


@contextmanager
def watching(folder: Path) -> Iterator[Finished]:
    """Listen to a folder that is there. Raises OSError: the system has no more watches to give."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if handle < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        if libc.inotify_add_watch(handle, os.fsencode(folder), _CLOSED_AFTER_WRITING) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
        yield Finished(handle)
    finally:
        os.close(handle)
