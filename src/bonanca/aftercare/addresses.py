"""Where a request is sent again. Its path was written by whoever sent it first: it must stay where it says it is."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote

from bonanca.catalog.spec import HttpAgain

# Web servers refuse longer ones themselves.
MAX_PATH = 8000
# Nobody encodes more often in good faith, and every round reads the whole again.
MOST_ROUNDS = 5


def address(again: HttpAgain, *, path: str, key: str) -> str | None:
    """The path that is asked, both placeholders filled in one pass; None when it could lead to another one."""
    _before, placed, after = again.path.partition("{path}")
    # With a query of its own it would keep what follows from being part of the path.
    if placed and (not path.startswith("/") or not usable(path) or (after and "?" in path)):
        return None
    if "{key}" in again.path and _climbs(key):
        return None
    values = {"{path}": path, "{key}": quote(key, safe="")}
    filled = re.sub(r"\{(?:path|key)\}", lambda found: values[found[0]], again.path)
    return None if _climbs(filled.partition("?")[0]) else filled


def usable(path: str) -> bool:
    """Whether everybody reads the same path in it: no dot segment, backslash, control character, encoded or not."""
    if len(path) > MAX_PATH or "#" in path:
        return False
    plain = _decoded(path.partition("?")[0])
    odd = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in f"{path}{plain}")
    return not (odd or "\\" in plain or _climbs(plain))


def within(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether it is one of the declared paths, or below one: `/orders` is not the beginning of `/orders-admin`."""
    whole = path.partition("?")[0]
    return any(whole == one or whole.startswith(f"{one.rstrip('/')}/") for one in prefixes)


def _climbs(text: str) -> bool:
    """Whether a segment is `.` or `..`; also with parameters (`..;x`), which some servers cut off first.

    What is still encoded after so many rounds may be one.
    """
    plain = _decoded(text)
    segments = re.split(r"[/\\]", plain)
    return plain != unquote(plain) or any(segment.partition(";")[0].strip() in (".", "..") for segment in segments)


def _decoded(text: str) -> str:
    """Until nothing is encoded any more: a proxy on the way may decode once more than the service."""
    for _round in range(MOST_ROUNDS):
        text = unquote(text)
    return text
