"""A wall clock that leaps, for one program and not for the machine: libfaketime (Debian: faketime), told by a file.

Monotonic clocks are left alone, as they are when an administrator or NTP sets a machine's clock.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

_FOLDERS = ("/usr/lib/*/faketime", "/usr/lib64/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")


def library() -> Path | None:
    """The preloadable library, or None when it is not installed."""
    for pattern in _FOLDERS:
        for found in Path("/").glob(f"{pattern[1:]}/libfaketimeMT.so.1"):
            return found
    return None


class Clock:
    """A wall clock in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.leap(0)

    def leap(self, seconds: int) -> None:
        """So many seconds off from now on; 0 is right again."""
        part = self.file.with_suffix(".part")
        part.write_text(f"{seconds:+d}\n")
        part.replace(self.file)

    def environment(self, *, reread_s: int = 0) -> dict[str, str]:
        """What a program needs to live by this clock. Empty without the library."""
        found = library()
        if found is None:
            return {}
        often = {"FAKETIME_NO_CACHE": "1"} if not reread_s else {"FAKETIME_CACHE_DURATION": str(reread_s)}
        return often | {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def live_by_it() -> None:
    """Called by a Python program that was started with such an environment, before it does anything else.

    Its children get the machine's own clock, and time.sleep() waits another way: the library answers
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME) with EINVAL when monotonic clocks are left alone.
    """
    if os.environ.pop("LD_PRELOAD", None) is None:
        return
    never = threading.Event()
    time.sleep = lambda seconds: never.wait(max(0.0, seconds)) and None  # type: ignore[assignment]
