"""What goes to a command on another host and what comes from it, piece by piece."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator, Sequence
from typing import IO, Any

import asyncssh

from bonanca.actuators.command.output import Sink

# Of each of a command's outputs the end is kept.
KEPT_BYTES = 64 * 1024
_END_S = 5.0


class Kept:
    """The end of an output."""

    def __init__(self, all_of_it: Sink | None = None) -> None:
        self.kept = bytearray()
        self.all_of_it = all_of_it
        self.last = time.monotonic()

    async def read(self, stream: Any) -> None:
        while piece := await stream.read(65536):
            if self.all_of_it is not None:
                self.all_of_it.write(piece)
            self.last = time.monotonic()
            self.kept += piece
            del self.kept[:-KEPT_BYTES]

    def text(self) -> str:
        return bytes(self.kept).decode("utf-8", "replace")


def left(file: IO[bytes]) -> int:
    """How many bytes of a file are still to be read."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here


def pieces(text: bytes, input: IO[bytes] | None) -> Iterator[bytes]:
    """A text, and all of a file after it."""
    yield text
    while input is not None and (piece := input.read(65536)):
        yield piece


async def tell(process: Any, sent: Iterator[bytes]) -> None:
    """Send all of it. A process that has ended meanwhile takes no more: how it ended is what counts."""
    try:
        for piece in sent:
            process.stdin.write(piece)
            await process.stdin.drain()
    except (asyncssh.Error, ConnectionError):
        return


async def all_of(work: Sequence[Awaitable[Any]]) -> None:
    """Wait for all of it."""
    await asyncio.gather(*work)


async def let_go(process: Any) -> None:
    """Draw the leash: whatever still runs there ends, and we do not leave before it has."""
    try:
        async with asyncio.timeout(_END_S):
            if process.exit_status is None and process.exit_signal is None:
                process.stdin.write_eof()
                await process.wait_closed()
    except (asyncssh.Error, OSError, TimeoutError):
        return
    finally:
        process.close()
