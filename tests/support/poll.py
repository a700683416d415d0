"""Wait for something to become true, with a deadline: tests never sleep for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    fn: Callable[[], T],
    timeout_s: float = 10.0,
    every_s: float = 0.05,
    *,
    ignoring: type[Exception] | tuple[type[Exception], ...] = AssertionError,
) -> T:
    """Call `fn` until it returns something true, and return that.

    Exceptions of the kinds in `ignoring` count as "not yet" (so `fn` may assert); the last one is raised when time
    is up, or an AssertionError that shows the last value.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        problem: Exception | None = None
        value: T | None = None
        try:
            value = fn()
            if value:
                return value
        except ignoring as not_yet:
            problem = not_yet
        if time.monotonic() > deadline:
            raise problem or AssertionError(f"not within {timeout_s:g} s; the last value was {value!r}")
        time.sleep(every_s)
