"""How people name things at a terminal: INC-42, CHG-7, or just the number."""

from __future__ import annotations

from collections.abc import Callable

import typer


def numbered(prefix: str) -> Callable[[str], int]:
    """Return a typer parser that reads `42`, `#42`, `INC-42` and `inc42` as 42, for the prefix INC.

    The parser raises typer.BadParameter for anything else.
    """

    def number(given: str) -> int:
        text = given.strip().upper().removeprefix(prefix).removeprefix("-").removeprefix("#")
        if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 2**31:
            raise typer.BadParameter(f"{given!r}: write 42 or {prefix}-42")
        return int(text)

    return number
