"""What the agent keeps on disk, all of it under BONANCA_HOME/gateway/<name>: readable by its owner only."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from bonanca.actuators.gateway.agent.configuration import Ports
from bonanca.actuators.gateway.wire import Desired, DesiredRefused, encode, parse_desired
from bonanca.kernel.errors import Conflict


class Store:
    """One gateway's folder: the last good desired state, the ports it had, and who runs it."""

    def __init__(self, folder: Path, gateway: str) -> None:
        self.folder = folder
        self.gateway = gateway
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folder and hold it.

        Raises:
            Conflict: another agent of this gateway runs on it.
        """
        (self.folder / "dynamic").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            os.close(self._lock)
            self._lock = None
            raise Conflict(
                f"gateway '{self.gateway}' already runs on {self.folder}.",
                hint="Stop it, or give this one another name.",
            ) from held

    def close(self) -> None:
        """Say that nobody runs here any more; what is needed for the next start stays."""
        if self._lock is not None:
            (self.folder / "state.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def load_desired(self) -> tuple[Desired | None, str]:
        """Return the last good state, and why there is none to be used if there is a file."""
        try:
            document = (self.folder / "desired.json").read_bytes()
        except FileNotFoundError:
            return None, ""
        try:
            return parse_desired(document, gateway=self.gateway), ""
        except DesiredRefused as refused:
            return None, str(refused)

    def save_desired(self, desired: Desired) -> None:
        """Keep `desired` for a start without web."""
        write_atomically(self.folder / "desired.json", encode(desired), durable=True)

    def last_ports(self) -> Ports | None:
        """Return the ports of the run before, so that addresses stay when the agent is started again."""
        try:
            return Ports(**json.loads((self.folder / "ports.json").read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # Nothing, or nothing of use: free ports are chosen.

    def save_ports(self, ports: Ports) -> None:
        """Remember the ports for the next start."""
        write_atomically(self.folder / "ports.json", json.dumps(vars(ports)).encode())

    def save_state(self, state: dict[str, Any]) -> None:
        """Tell other processes of this host where the gateway is (`state.json`)."""
        write_atomically(self.folder / "state.json", json.dumps(state, indent=2).encode())


def write_atomically(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace `path` in one rename. The new file is made a folder above, where no watcher looks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent.parent / f".{path.parent.name}.{path.name}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
