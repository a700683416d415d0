"""A disk that answers fsync with an error: strace makes the calls of this very process fail (`-e inject`)."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PR_SET_PTRACER = 0x59616D61
_ANY = ctypes.c_ulong(-1)


class Failures:
    """What was made to fail so far."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def count(self) -> int:
        return self._log.read_text(errors="replace").count("(INJECTED)")


@contextmanager
def failing_fsync(which: int) -> Iterator[Failures]:
    """The `which`-th fsync or fdatasync of each thread of this process ends with EIO and does nothing.

    A program that was started before (a PostgreSQL server) is not concerned. Skips where nothing may be traced.
    """
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (Debian: strace)")
    # Where only parents may trace their children (Yama), this process allows it.
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        log, said = Path(folder, "log"), Path(folder, "said")
        inject = f"inject=fsync,fdatasync:error=EIO:when={which}"
        with said.open("wb") as out:
            tracer = subprocess.Popen(
                [strace, "-f", "-p", str(os.getpid()), "-o", str(log), "-e", "trace=fsync,fdatasync", "-e", inject],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            _wait_until_attached(tracer, said)
            yield Failures(log)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(30)


def _wait_until_attached(tracer: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + 30
    while f"/{tracer.pid}" not in Path("/proc/self/status").read_text() and _tracer() != tracer.pid:
        if tracer.poll() is not None:
            pytest.skip(f"this process may not be traced here: {said.read_text(errors='replace').strip()[-200:]}")
        assert time.monotonic() < deadline, said.read_text(errors="replace")
        time.sleep(0.01)
    # Threads are attached one after the other; it says when all are.
    while "attached" not in said.read_text(errors="replace"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _tracer() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("TracerPid:")).split()[1])
