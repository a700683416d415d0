"""What a service's own program writes: it goes on writing, and takes neither our memory nor our disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Protocol


class Sink(Protocol):
    """Takes what a program writes, piece by piece."""

    def write(self, piece: bytes, /) -> object:
        """Take a piece; what it raises ends the program."""


class Bounded:
    """Takes no more than so many bytes into a file and throws the rest away; `cut` says that there was more."""

    def __init__(self, file: IO[bytes], most_bytes: int) -> None:
        self._file, self._left = file, most_bytes
        self.cut = False

    def write(self, piece: bytes) -> int:
        """Take a piece. A disk that is full cuts it too: the program would else wait for us until its time is over."""
        kept = piece[: self._left]
        try:
            self._file.write(kept)
            self._file.flush()
        except OSError:
            self.cut, self._left = True, 0
            return len(piece)
        self._left -= len(kept)
        self.cut = self.cut or len(kept) < len(piece)
        return len(piece)


def lines_of(stream: IO[bytes], most_bytes: int) -> Iterator[bytes | None]:
    """The lines of a file, None in place of one that is longer than so many bytes: no more than that is ever held.

    Of a very long one an empty line follows for each further piece, so that the reader can look at its clock.
    """
    inside = False
    while piece := stream.readline(most_bytes + 1):
        long = len(piece) > most_bytes
        if inside:
            yield b""
        else:
            yield None if long else piece
        inside = (inside or long) and not piece.endswith(b"\n")


class Tail:
    """Keeps the last of what is written, where a program says how it went."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._kept = most_bytes, bytearray()

    def write(self, piece: bytes) -> int:
        """Take a piece, and let go of what came long before it."""
        self._kept += piece
        del self._kept[: -self._most]
        return len(piece)

    def text(self) -> str:
        """What is kept, for people."""
        return bytes(self._kept).decode("utf-8", "replace")

    def last_line(self) -> str:
        """What it said last; empty when it said nothing."""
        lines = self.text().strip().splitlines()
        return lines[-1] if lines else ""
