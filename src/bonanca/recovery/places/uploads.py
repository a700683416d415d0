"""Long work with one place in a thread of its own, which can be told to stop, and whose hanging hangs nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from django.utils import translation

from bonanca.recovery.places.base import ReplicaProblem, Told


class Stopped(Exception):
    """The work was told to stop; what the place has of it stays for the next attempt."""


class Work(threading.Thread):
    """Something that moves bytes to or from a place.

    `done` are the bytes that went by; once the thread ended, `problem` says why it failed (None: it did not), and
    `stopped` whether it was told to stop. A daemon: a mount that hangs for ever does not keep the process from ending.
    """

    def __init__(self, name: str, work: Callable[[Told], int], ended: threading.Event) -> None:
        super().__init__(name=f"place {name}", daemon=True)
        self._work, self._ended, self._language = work, ended, translation.get_language()
        self._stop_asked = False
        self.done = 0
        self.size = 0
        self.stopped = False
        self.problem: ReplicaProblem | None = None
        self.defect: BaseException | None = None

    def run(self) -> None:
        try:
            with translation.override(self._language):
                self.size = self._work(self._told)
        except Stopped:
            self.stopped = True
        except ReplicaProblem as problem:
            self.problem = problem
        except BaseException as defect:  # noqa: BLE001 - raised again in the thread that waits for this one
            self.defect = defect
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Ask it to stop at the next piece."""
        self._stop_asked = True

    def _told(self, done: int) -> None:
        self.done = done
        if self._stop_asked:
            raise Stopped


def wait_for_any(ended: threading.Event, seconds: float) -> None:
    """Wait until one of the threads that share `ended` has ended, at most so long."""
    ended.wait(seconds)
    ended.clear()


def stop_all(works: list[Work], seconds: float) -> None:
    """Ask all to stop and wait for them together, at most so long: a hanging one is left to its own timeouts."""
    for work in works:
        work.stop()
    until = monotonic() + seconds
    for work in works:
        work.join(max(0.0, until - monotonic()))
