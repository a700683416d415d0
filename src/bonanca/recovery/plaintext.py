"""Opened chunks as a file that can be read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, cast


def reading(chunks: Iterator[bytes]) -> IO[bytes]:
    """The chunks as a file; errors of the envelope come out of its `read`."""
    return cast("IO[bytes]", _PlainReader(chunks))


class _PlainReader(io.RawIOBase):
    """Reads what an envelope opens, as far as it is authentic."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer with what is at hand; 0 at the end."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type] # what io gives is a buffer
        count = min(len(target), len(self._left))
        target[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
