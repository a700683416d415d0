"""Where units are: this host or another. Asking is free, acting is fenced, what steps decide lies below the root."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.files.held import read_ours
from bonanca.actuators.git.releases import current_release
from bonanca.actuators.ssh import releases
from bonanca.actuators.ssh.files import Ground, place_of, remembered
from bonanca.actuators.ssh.session import CONNECT_TIMEOUT_S, Ended, Session, connected
from bonanca.actuators.systemd.spec import UnitSpec
from bonanca.durable.commands import CommandFailed, run
from bonanca.durable.context import FenceToken
from bonanca.durable.fence import fenced

KIND = "units"
FENCE_WAIT_S = 60.0


class Machine(Protocol):
    """What the actuator needs of a machine."""

    def ask(self, argv: Sequence[str], *, timeout_s: float) -> Ended:
        """Run a command that changes nothing."""

    def act(
        self,
        argv: Sequence[str],
        *,
        token: FenceToken,
        timeout_s: float,
        watch: Callable[[], None] | None = None,
        wait_s: float = FENCE_WAIT_S,
    ) -> Ended:
        """Run a command as the only one that acts below the root, in an epoch that is not over."""

    def remember(self, key: str, facts: dict[str, Any], *, token: FenceToken) -> None:
        """Keep what a step decided, before it acts."""

    def remembered(self, key: str) -> dict[str, Any] | None:
        """What was kept under the key."""

    def place(self, key: str) -> str:
        """The file of what is kept under the key."""

    def release(self) -> str | None:
        """The folder name of the current release below the root."""


@contextmanager
def machine_of(spec: UnitSpec, *, timeout_s: float = CONNECT_TIMEOUT_S) -> Iterator[Machine]:
    """The machine of a service's units.

    Raises:
        HostUnreachable, HostRefused: it is another host, and cannot be worked with.
    """
    if spec.host is None:
        yield Here(spec.root)
        return
    with connected(spec.host, timeout_s=timeout_s) as session:
        yield There(session, PurePosixPath(spec.root))


@dataclass(frozen=True)
class Here:
    """This host."""

    root: Path

    def ask(self, argv: Sequence[str], *, timeout_s: float) -> Ended:
        return self._run(argv, timeout_s, None)

    def act(
        self,
        argv: Sequence[str],
        *,
        token: FenceToken,
        timeout_s: float,
        watch: Callable[[], None] | None = None,
        wait_s: float = FENCE_WAIT_S,
    ) -> Ended:
        with self._fenced(token, wait_s):
            return self._run(argv, timeout_s, watch)

    def _run(self, argv: Sequence[str], timeout_s: float, watch: Callable[[], None] | None) -> Ended:
        try:
            done = run(argv, timeout_s=timeout_s, watch=watch)
        except CommandFailed as failed:
            if failed.returncode is None:
                raise  # it is not installed, or did not end
            return Ended(failed.returncode, "", failed.stderr)
        return Ended(0, done.text, done.stderr)

    def remember(self, key: str, facts: dict[str, Any], *, token: FenceToken) -> None:
        with self._fenced(token, FENCE_WAIT_S):
            write_atomic(Path(self.place(key)), json.dumps(facts, sort_keys=True).encode())

    def remembered(self, key: str) -> dict[str, Any] | None:
        found = read_ours(Path(self.place(key)))
        return None if found is None else dict(json.loads(found))

    def release(self) -> str | None:
        return current_release(self.root)

    def place(self, key: str) -> str:
        return str(place_of(PurePosixPath(self.root), KIND, key))

    def _fenced(self, token: FenceToken, wait_s: float) -> AbstractContextManager[None]:
        return fenced(f"units:{self.root.resolve()}", token, wait_s=wait_s)


@dataclass(frozen=True)
class There:
    """Another host, over SSH."""

    session: Session
    root: PurePosixPath

    def ask(self, argv: Sequence[str], *, timeout_s: float) -> Ended:
        return self.session.run(argv, timeout_s=timeout_s)

    def act(
        self,
        argv: Sequence[str],
        *,
        token: FenceToken,
        timeout_s: float,
        watch: Callable[[], None] | None = None,
        wait_s: float = FENCE_WAIT_S,
    ) -> Ended:
        fence = Ground(self.session, self.root, token).fence
        return self.session.run(argv, timeout_s=timeout_s, fence=fence, token=token, wait_s=wait_s, watch=watch)

    def remember(self, key: str, facts: dict[str, Any], *, token: FenceToken) -> None:
        Ground(self.session, self.root, token).remember(KIND, key, facts)

    def remembered(self, key: str) -> dict[str, Any] | None:
        return remembered(self.session, self.root, KIND, key)

    def place(self, key: str) -> str:
        return str(place_of(self.root, KIND, key))

    def release(self) -> str | None:
        return releases.current_release(self.session, self.root)
