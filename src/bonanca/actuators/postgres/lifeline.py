"""Children that the kernel ends when their owner dies, even by SIGKILL (parent-death signals)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bonanca.kernel.errors import Unavailable


class NoLifeline(Unavailable):
    """The program that asks the kernel for the signal is not installed."""


def dying_with_parent(command: Sequence[str], signal_name: str) -> list[str]:
    """Return the command so wrapped that the kernel signals it when this process dies, even by SIGKILL.

    The wrapper looks at its parent after asking for the signal: a parent that died before would never send it.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NoLifeline("The program setpriv (package util-linux) is missing.")
    guard = '[ "$PPID" = "$1" ] || exit 143; shift; exec "$@"'
    return [setpriv, "--pdeathsig", signal_name, "--", "/bin/sh", "-c", guard, "sh", str(os.getpid()), *command]


def _new_spawner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="bonanca-spawner")


_spawner = _new_spawner()


def _forget_spawner() -> None:
    global _spawner
    _spawner = _new_spawner()  # threads do not survive a fork


os.register_at_fork(after_in_child=_forget_spawner)


def spawn(job: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Run `job`, which starts a process that dies with its parent, on a thread that lives as long as this process.

    The kernel sends the parent-death signal when the *thread* that forked ends, and callers' threads come and go.

    Raises:
        OSError: the program could not be started.
    """
    return _spawner.submit(job).result()
