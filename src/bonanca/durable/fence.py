"""One at a time on a resource of this host, and never an outdated worker.

``fenced(resource, token)`` holds a file lock below BONANCA_HOME/fence/. Beside it lies a record of the newest epoch
that each plan has shown here. A worker that comes with an older one is refused. A worker that was stopped while it
held the lock is killed by the first that comes after it, so the lock cannot be held for ever.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.durable import host
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.durable.executors import silent
from bonanca.durable.models import PlanRun
from bonanca.durable.state import RunState
from bonanca.kernel.errors import Unavailable
from bonanca.kernel.home import bonanca_home

WAIT_S = 60.0
_REMEMBERED_RUNS = 500


class ResourceBusy(Unavailable):
    """Another step of a living worker works on the resource, for longer than we would wait."""


@contextmanager
def fenced(resource: str, token: FenceToken, *, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the resource for the effect inside the block. Not reentrant: one fence for one resource at a time.

    What must happen once has to be looked up again inside: the wait may have been for a worker that did it.

    Raises:
        Fenced: a newer epoch of the same plan was here, or has the plan.
        ResourceBusy: not free within ``wait_s`` seconds.
    """
    lock_path, record_path = _paths(resource)
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(lock, record_path, resource, wait_s)
        record = _read(record_path)
        _wait_for_end_of(record.get("holder"))
        seen: dict[str, int] = record.get("seen", {})
        newest = seen.pop(str(token.run_id), 0)
        if newest > token.epoch:
            raise Fenced(
                _("%(resource)s: epoch %(epoch)d of plan %(run)s is over; epoch %(newest)d was here.")
                % {"resource": resource, "epoch": token.epoch, "run": token.run_id, "newest": newest}
            )
        if token.verify is not None:
            token.verify()
        seen[str(token.run_id)] = token.epoch  # newest last
        seen = dict(list(seen.items())[-_REMEMBERED_RUNS:])
        _write(record_path, {"resource": resource, "seen": seen, "holder": _me(token)})
        try:
            yield
        finally:
            _write(record_path, {"resource": resource, "seen": seen, "holder": None})
    finally:
        os.close(lock)


def _paths(resource: str) -> tuple[Path, Path]:
    folder = bonanca_home() / "fence"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = hashlib.sha256(resource.encode()).hexdigest()[:32]
    return folder / f"{name}.lock", folder / f"{name}.json"


def _acquire(lock: int, record_path: Path, resource: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    pause_s = 0.005
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            _end_outdated(_read(record_path).get("holder"), os.fstat(lock).st_ino)
        if time.monotonic() > deadline:
            raise ResourceBusy(
                _("%(resource)s is in use by another step for more than %(seconds)g s.")
                % {"resource": resource, "seconds": wait_s}
            )
        time.sleep(pause_s)
        pause_s = min(0.1, pause_s * 1.5)


def _end_outdated(holder: dict[str, Any] | None, inode: int) -> None:
    """Kill the process that has the lock, if it is stopped and its plan has been given to somebody else."""
    if holder is None:
        _end_unrecorded(inode)
        return
    if holder["machine"] != host.machine() or holder["pid"] == os.getpid():
        return
    found = host.alive(holder["pid"], holder["started"])
    if found is None or not found.stopped:
        return
    mine = PlanRun.objects.filter(pk=UUID(holder["run_id"]), epoch=holder["epoch"], state=RunState.RUNNING)
    if not mine.exists():
        host.kill_stopped(holder["pid"], holder["started"])


def _end_unrecorded(inode: int) -> None:
    """As above, for one that was stopped between taking the lock and writing who it is: the kernel knows."""
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[1] != "FLOCK" or not words[5].endswith(f":{inode}"):
            continue
        pid = int(words[4])
        found = host.process(pid) if pid not in (0, os.getpid()) else None
        if found is not None and found.stopped and silent(host.machine(), pid, found.started):
            host.kill_stopped(pid, found.started)


def _wait_for_end_of(holder: dict[str, Any] | None) -> None:
    """A killed holder's lock is free a moment before its commands get their signal: wait until it is wholly gone."""
    if holder is None or holder["machine"] != host.machine() or holder["pid"] == os.getpid():
        return
    deadline = time.monotonic() + 5.0
    while host.alive(holder["pid"], holder["started"]) is not None and time.monotonic() < deadline:
        time.sleep(0.002)


def _me(token: FenceToken) -> dict[str, Any]:
    me = host.process(os.getpid())
    return {
        "machine": host.machine(),
        "pid": os.getpid(),
        "started": me.started if me is not None else 0,
        "run_id": str(token.run_id),
        "epoch": token.epoch,
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return loaded


def _write(path: Path, record: dict[str, Any]) -> None:
    # Renamed into place, so that no kill can tear it. No fsync: after a power cut no outdated worker is left.
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(record))
    aside.replace(path)
