"""Keeps the parts of one machine running until it is told to stop, and leaves nothing behind.

One thread, one loop: it sleeps until a child speaks or dies, a signal comes, or a restart is due.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.cli.supervisor.child import SHORT_LIFE_S, Child, Part, outcome
from bonanca.cli.supervisor.output import Speaker
from bonanca.kernel.errors import BonancaError, Unavailable

NAME = "bonanca"
_WIDTH = len(NAME)
# The server of the database comes back within a second, or not at all.
_DATABASE_TRIES = 5


class PartsKeepDying(BonancaError):
    """A part cannot be kept running; the message says which, how it ended and what it said."""


class Stopped(Exception):
    """The supervisor was asked to stop while it was still starting."""


class Supervisor:
    """Runs parts, and the embedded database below them when there is one."""

    def __init__(self, cluster: Cluster | None = None, *, changed: Callable[[], None] = lambda: None) -> None:
        self.cluster = cluster
        self.children: list[Child] = []
        self.voice = Speaker(NAME, width=_WIDTH)
        self.stops = 0
        self._changed = changed
        self._selector = selectors.DefaultSelector()
        self._database_deaths: list[float] = []

    # -- life ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def attentive(self) -> Iterator[None]:
        """Turn SIGTERM, SIGINT and SIGHUP into an orderly end (a second one kills), for the time of the block."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in asked}
        # A dead child only wakes the loop; the handler is needed for the wake-up to happen.
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        woken_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._selector.register(reader, selectors.EVENT_READ, None)
        try:
            yield
        finally:
            self._selector.unregister(reader)
            signal.set_wakeup_fd(woken_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.stops += 1

    def run(self, parts: Sequence[Part]) -> None:
        """Keep the parts running; return when a stop was asked for.

        Raises:
            PartsKeepDying: one of them, or the database, cannot be kept running.
        """
        for part in parts:
            self._begin(Child(part, self._speaker(part)))
        self._changed()
        while not self.stops:
            self._turn(self._patience())
            self._mind_database()
            for child in self.children:
                self._mind(child)

    def once(self, part: Part) -> int:
        """Run one part to its end and return its exit code.

        Raises:
            Stopped: a stop was asked for meanwhile.
        """
        child = Child(part, self._speaker(part))
        self._begin(child)
        try:
            while True:
                self._turn(1.0)
                if self.stops:
                    raise Stopped
                if (code := self._ended(child)) is not None:
                    return code
        finally:
            self._end([child])

    def stop(self) -> None:
        """End everything in order: first who takes requests and does work, then the gateway, then the database."""
        gateways = [child for child in self.children if child.part.name == "gateway"]
        self._end([child for child in self.children if child not in gateways])
        self._end(gateways)
        if self.cluster is not None:
            if self.stops > 1:
                self.cluster.kill()
            self.cluster.stop()

    # -- one turn of the loop ------------------------------------------------------------------------------------

    def _turn(self, patience_s: float) -> None:
        for key, _ in self._selector.select(patience_s):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(key.fd, 4096)
            elif not key.data.hear():
                self._deafen(key.fd)

    def _deafen(self, descriptor: int) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)

    def _patience(self) -> float:
        now = time.monotonic()
        waiting = [child.due_at - now for child in self.children if child.process is None]
        return max(0.0, min([1.0, *waiting]))

    def _begin(self, child: Child) -> None:
        if child not in self.children and not child.part.once:
            self.children.append(child)
        self._selector.register(child.start(), selectors.EVENT_READ, child)

    def _ended(self, child: Child) -> int | None:
        if child.process is None or child.process.poll() is None:
            return None
        if child.process.stdout is not None:
            self._deafen(child.process.stdout.fileno())
        return child.ended()

    def _mind(self, child: Child) -> None:
        code = self._ended(child)
        if code is not None:
            self._changed()
            if child.hopeless():
                said = "\n  ".join(child.last_lines) or "(nothing)"
                raise PartsKeepDying(
                    f"{child.part.name} died {child.short_lives} times in a row within {SHORT_LIFE_S:g} s of its "
                    f"start, last with {outcome(code)}. It said:\n  {said}",
                    hint="Everything has been stopped. `bonanca doctor` looks for the usual causes.",
                )
            wait_s = max(0.0, child.due_at - time.monotonic())
            self.voice.line(f"{child.part.name} ended ({outcome(code)}), starting it again in {wait_s:.1f} s")
        if child.process is None and time.monotonic() >= child.due_at:
            child.restarts += 1
            self._begin(child)
            self._changed()

    def _mind_database(self) -> None:
        if self.cluster is None or self.cluster.exit_code is None:
            return
        now = time.monotonic()
        self._database_deaths = [at for at in self._database_deaths if now - at < 60.0] + [now]
        self.voice.line(f"PostgreSQL ended ({outcome(self.cluster.exit_code)}), starting it again")
        if len(self._database_deaths) > _DATABASE_TRIES * 4:
            raise PartsKeepDying(f"PostgreSQL died {len(self._database_deaths)} times in a minute.\n{self._log()}")
        port = self.cluster.port
        try:
            self.cluster.start()
            self.cluster.wait_ready()
        except Unavailable as problem:
            raise PartsKeepDying(f"PostgreSQL does not start again. {problem}") from problem
        if self.cluster.port != port:
            # They were told the old one, and read the new one when they start.
            self.voice.line(f"PostgreSQL had to move to port {self.cluster.port}; everything starts again")
            for child in self.children:
                child.signal(signal.SIGTERM)
        self._changed()

    def _log(self) -> str:
        return self.cluster.log_tail() if self.cluster is not None else ""

    def _end(self, children: Sequence[Child]) -> None:
        """Ask the children to end, wait for their grace, then kill; a second stop signal kills at once."""
        for child in children:
            child.signal(signal.SIGTERM)
        began = time.monotonic()
        while left := [child for child in children if child.process is not None]:
            for child in left:
                if self._ended(child) is not None:
                    continue
                if self.stops > 1 or time.monotonic() - began > child.part.grace_s:
                    child.signal(signal.SIGKILL)
            self._turn(0.1)

    def _speaker(self, part: Part) -> Speaker:
        return Speaker(part.name, width=_WIDTH, number=len(self.children) + 1)
