"""JSON facts as the dataclasses and structs that they belong to, by msgspec, from any thread.

msgspec (0.22) works out what a type looks like when it is first needed, and keeps that where other threads find it
before it is complete: two threads that need the same type for the first time end the process with SIGSEGV. A worker's
threads begin at the same moment, so the first conversion of each type has the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_known: set[type] = set()
_first = threading.Lock()


def convert(data: Any, kind: type[T], *, strict: bool = True, dec_hook: Callable[[type, Any], Any] | None = None) -> T:
    """`msgspec.convert`. Raises msgspec.ValidationError: the facts do not fit."""
    return _alone_at_first(kind, lambda: msgspec.convert(data, kind, strict=strict, dec_hook=dec_hook))


def decode(document: bytes | str, kind: type[T]) -> T:
    """`msgspec.json.decode` of a document. Raises msgspec.DecodeError, msgspec.ValidationError."""
    return _alone_at_first(kind, lambda: msgspec.json.decode(document, type=kind))


def _alone_at_first(kind: type[T], work: Callable[[], T]) -> T:
    if kind in _known:
        return work()
    with _first:
        found = work()
        _known.add(kind)
    return found
