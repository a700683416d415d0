"""The children's lines and our own, each behind the name of who says it."""

from __future__ import annotations

import os
import sys

_COLOURS = (36, 33, 35, 32, 34)


class Speaker:
    """Prints lines of one process behind its name; JSON lines stay whole, for machines that collect them."""

    def __init__(self, name: str, *, width: int, number: int = 0) -> None:
        self._as_json = os.environ.get("BONANCA_LOG") == "json"
        colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        label = f"{name:<{width}} |"
        self._label = f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{label}\x1b[0m" if colour else label
        self._rest = b""

    def line(self, text: str) -> None:
        """Print one line."""
        try:
            sys.stderr.write(f"{text}\n" if self._as_json else f"{self._label} {text}\n")
            sys.stderr.flush()
        except (BrokenPipeError, ValueError):
            return  # whoever read our log has gone; the service goes on

    def feed(self, data: bytes) -> None:
        """Print the complete lines of what a child wrote, and keep the rest for later."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace").rstrip("\r"))
        if len(self._rest) > 65_536:
            self.flush()

    def flush(self) -> None:
        """Print an unfinished last line."""
        if self._rest:
            self.line(self._rest.decode(errors="replace"))
            self._rest = b""
