"""Programs that a step starts. They die with the worker, at the latest with their time, and say why they failed.

setpriv (util-linux) asks the kernel to kill the program when the *thread* that started it ends, so ``run`` must be
called and waited for in one thread, which it is. What the program has started itself is on the worker's leash.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from bonanca.durable import leash
from bonanca.durable.errors import StepFailed

OUTPUT_LIMIT = 4 * 1024 * 1024
TAIL = 2000
_WATCH_EVERY_S = 0.25
_left: list[subprocess.Popen[bytes]] = []
# How long we wait for the end of what was killed, and, when it has ended, for what it gave its outputs to.
_END_S = 5.0
# Between fork and setpriv's request the worker may die: then the program has another parent and must not begin.
# A constant text; the program and its arguments are passed as parameters and never read by the shell.
_GUARD = 'test "$PPID" = "$1" || exit 125; shift; exec "$@"'


@dataclass(frozen=True)
class CommandResult:
    """What the program wrote; ``truncated`` when it was more than OUTPUT_LIMIT bytes (the beginning is kept)."""

    stdout: bytes
    stderr: str
    elapsed_s: float
    truncated: bool = False

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", errors="replace")


class CommandFailed(StepFailed):
    """The program ended with a code other than 0, by a signal, or did not end in time.

    ``returncode`` is negative for a signal and None when it was not started; ``stderr`` is the end of what it wrote.
    Retryable when it ran out of time or was killed.
    """

    def __init__(self, message: str, *, returncode: int | None, stderr: str, retryable: bool) -> None:
        super().__init__(message, retryable=retryable)
        self.returncode = returncode
        self.stderr = stderr


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    input: bytes | IO[bytes] | None = None,
    stdout: IO[bytes] | Callable[[bytes], object] | None = None,
    watch: Callable[[], None] | None = None,
) -> CommandResult:
    """Run a program to its end, without a shell.

    ``env`` None means this process's. ``stdout`` takes the output instead of memory: a file as it is, a function piece
    by piece, in a thread of its own. ``watch`` (``ctx.still_mine``) is called now and then; what it raises ends the
    program and comes out of here.

    Raises:
        CommandFailed
    """
    words = [str(word) for word in argv]
    path = (env or os.environ).get("PATH")
    if shutil.which(words[0], path=path) is None:
        raise CommandFailed(
            _("The program “%(name)s” is not installed here.") % {"name": words[0]},
            returncode=None, stderr="", retryable=False,
        )  # fmt: skip
    _reap()
    began, pour = time.monotonic(), stdout if callable(stdout) else None
    child = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", "/bin/sh", "-c", _GUARD, "sh", str(os.getpid()), *words],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=_stdin(input),
        stdout=subprocess.PIPE if stdout is None or callable(stdout) else stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    leash.hold(child.pid)
    out, err = _Kept(child.stdout, OUTPUT_LIMIT, pour=pour), _Kept(child.stderr, TAIL, keep_end=True)
    feeder = _feed(child, input)
    handle = os.pidfd_open(child.pid)
    try:
        _wait(handle, child, words[0], began + timeout_s, timeout_s, watch, err)
    finally:
        os.close(handle)
        if _kill_group(child):
            leash.let_go(child.pid)
            _drain(out, err, feeder)
        else:
            _left.append(child)
    stderr = err.text()
    if child.returncode != 0:
        raise CommandFailed(
            _("“%(name)s” failed (%(code)d): %(stderr)s")
            % {"name": Path(words[0]).name, "code": child.returncode, "stderr": stderr.strip() or "-"},
            returncode=child.returncode, stderr=stderr, retryable=child.returncode < 0,
        )  # fmt: skip
    return CommandResult(bytes(out.kept), stderr, time.monotonic() - began, out.truncated)


def _wait(
    handle: int,
    child: subprocess.Popen[bytes],
    name: str,
    deadline: float,
    timeout_s: float,
    watch: Callable[[], None] | None,
    err: _Kept,
) -> None:
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            said = (
                _("“%(name)s” did not end within %(seconds)g s and was stopped.")
                if _kill_group(child)
                else _("“%(name)s” did not end within %(seconds)g s and cannot be stopped by us.")
            )
            raise CommandFailed(
                said % {"name": Path(name).name, "seconds": timeout_s},
                returncode=None, stderr=err.text(), retryable=True,
            )  # fmt: skip
        ended, _writable, _odd = select.select(
            [handle], [], [], left_s if watch is None else min(left_s, _WATCH_EVERY_S)
        )
        if ended:
            return  # not reaped yet, so that its pid still names its group
        if watch is not None:
            watch()


def _kill_group(child: subprocess.Popen[bytes]) -> bool:
    """End the program and whatever it left in its group; its descendants must not outlive the step.

    False: it lives on. What sudo made another user's takes no signal of ours; what waits for a broken disk takes none.
    """
    if child.returncode is not None:
        return True  # reaped: the number may name somebody else by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    try:
        child.wait(_END_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _reap() -> None:
    """Collect those that could not be ended and have ended since."""
    for child in list(_left):
        if child.poll() is not None:
            with contextlib.suppress(ValueError):  # another thread was faster
                _left.remove(child)
                leash.let_go(child.pid)


def _drain(out: _Kept, err: _Kept, feeder: threading.Thread | None) -> None:
    """Read what an ended program wrote. What it has started in a session of its own may hold its outputs for ever."""
    ended = time.monotonic()
    for reader in (out, err):
        while reader.is_alive():
            reader.join(0.05)
            waits = reader.waits_since
            if waits is not None and time.monotonic() - max(waits, ended) > _END_S:
                break
    if feeder is not None:
        feeder.join(_END_S)


def _stdin(data: bytes | IO[bytes] | None) -> int | IO[bytes]:
    if data is None:
        return subprocess.DEVNULL
    return subprocess.PIPE if isinstance(data, bytes) else data


def _feed(child: subprocess.Popen[bytes], data: bytes | IO[bytes] | None) -> threading.Thread | None:
    stream = child.stdin
    if stream is None or not isinstance(data, bytes):
        return None

    def write() -> None:
        with contextlib.suppress(BrokenPipeError):
            stream.write(data)
        with contextlib.suppress(BrokenPipeError):
            stream.close()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


class _Kept(threading.Thread):
    """Reads a pipe to its end and keeps a bounded part of it, so that the program never blocks on us."""

    def __init__(
        self,
        stream: IO[bytes] | None,
        limit: int,
        *,
        keep_end: bool = False,
        pour: Callable[[bytes], object] | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self.stream, self.limit, self.keep_end, self.pour = stream, limit, keep_end, pour
        self.kept = bytearray()
        self.truncated = False
        self.waits_since: float | None = None
        self.start()

    def run(self) -> None:
        if self.stream is None:
            return
        with self.stream:
            # As it comes: what was said is not lost with a worker that is killed a moment later.
            while chunk := self._next(self.stream.fileno()):
                if self.pour is not None:
                    self.pour(chunk)
                    continue
                self.kept += chunk
                if len(self.kept) > self.limit:
                    self.truncated = True
                    if self.keep_end:
                        del self.kept[: -self.limit]
                    else:
                        del self.kept[self.limit :]

    def _next(self, pipe: int) -> bytes:
        self.waits_since = time.monotonic()
        chunk = os.read(pipe, 65536)
        self.waits_since = None
        return chunk

    def text(self) -> str:
        return bytes(self.kept).decode("utf-8", errors="replace")
