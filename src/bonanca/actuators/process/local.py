"""Start, find and end the replicas of a service on this host.

Nothing here takes a lock: whoever starts or stops a replica holds `fence_name(spec.root)` in `durable.fence`.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.command.environment import inherited
from bonanca.actuators.files.store import digest
from bonanca.actuators.process.health import port_in_use, wait_healthy
from bonanca.actuators.process.logs import log_place, open_log, tail
from bonanca.actuators.process.record import RUNNING, STOPPED, Record, all_records, read_record, write_record
from bonanca.actuators.process.sessions import MARK, end_session, leader_of, marked
from bonanca.actuators.process.spec import ProcessSpec, Replica
from bonanca.durable.crashpoints import point
from bonanca.durable.host import alive, machine, process

_children: dict[int, subprocess.Popen[bytes]] = {}


class NotStarted(Exception):
    """A replica could not be started, or did not become healthy; the message carries the end of its log."""


@dataclass(frozen=True)
class ReplicaStatus:
    """One replica now. `release` is the folder it runs from; `error` what last went wrong with it."""

    name: str
    service: str
    port: int
    wanted: str
    running: bool
    pid: int | None
    started_at: float | None
    release: str | None
    restarts: int
    error: str
    key: str
    failures: int = 0
    restarted_at: float | None = None
    gave_up_at: float | None = None


def fence_name(root: Path) -> str:
    """The resource to fence around every start and stop below `root`."""
    return f"processes:{root.resolve()}"


def status(root: Path) -> tuple[ReplicaStatus, ...]:
    """Every replica ever started below `root`."""
    return tuple(_status(root, record) for record in all_records(root))


def find(root: Path, name: str) -> Record | None:
    """The replica's record with the pid of its living process, or with none. Writes nothing: anybody may look.

    A process whose starter died before it could note the pid is found by its mark; who acts, under the fence, notes it.
    Noted here it could bring back what was wanted before a plan stopped the replica.
    """
    _reap()
    record = read_record(root, name)
    if record is None:
        return None
    if record.machine != machine():  # the machine was started anew, or the folder copied: those pids mean nothing
        return record.but(pid=None, started=None)
    if record.pid is not None and record.started is not None:
        return record if alive(record.pid, record.started) else record.but(pid=None, started=None)
    if record.wanted == RUNNING and record.marker:
        found = leader_of(record.marker)
        if found is not None:
            return record.but(pid=found[0], started=found[1])
    return record


def start(
    spec: ProcessSpec,
    replica: Replica,
    *,
    key: str,
    release: Path,
    now: datetime,
    restarts: int = 0,
    restarted: tuple[float, ...] = (),
) -> Record:
    """Start one replica from a release folder, detached, unless it lives. What was given up before is forgotten.

    Raises:
        NotStarted: the port is taken by something else, or the command cannot be executed.
        BadSpec: the command cannot be filled in.
    """
    name = spec.name(replica)
    last = find(spec.root, name)
    if last is not None and last.pid is not None:
        return write_record(spec.root, last)
    argv = spec.argv(replica, release)
    place = f"{spec.service}/{name}/{digest(str(spec.root.resolve()).encode())[:12]}-"
    _end_strays(place)
    if port_in_use(replica):
        raise NotStarted(_("%(name)s: another process has port %(port)d.") % {"name": name, "port": replica.port})
    record = write_record(
        spec.root,
        Record(
            name=name,
            service=spec.service,
            port=replica.port,
            wanted=RUNNING,
            marker=f"{place}{secrets.token_hex(8)}",
            key=key,
            machine=machine(),
            started_at=now.timestamp(),
            release=str(release),
            before=last.before if last is not None and last.key == key else None,
            restarts=restarts,
            restarted=restarted,
        ),
    )
    point("process.intent_recorded")
    try:
        pid = _spawn(spec, argv, record, release)
    except OSError as error:
        write_record(spec.root, record.but(error=str(error)))
        raise NotStarted(
            _("%(name)s: “%(program)s” cannot be started: %(reason)s")
            % {"name": name, "program": argv[0], "reason": error}
        ) from error
    point("process.forked")
    born = process(pid)
    # One that is dead already has no start; it is noted as not running and found out by the health check.
    return write_record(spec.root, record.but(pid=pid if born else None, started=born.started if born else None))


def stop(spec: ProcessSpec, replica: Replica, *, key: str) -> Record:
    """End one replica and everything in its session, and note that it is meant to be stopped.

    Raises:
        OSError: something of it does not end.
    """
    name = spec.name(replica)
    record = find(spec.root, name) or Record(name=name, service=spec.service, port=replica.port)
    before = record.before if record.key == key else (record.release if record.pid is not None else None)
    record = write_record(spec.root, record.but(wanted=STOPPED, key=key, before=before, failures=0, gave_up_at=None))
    end(record, timeout_s=spec.stop_timeout_s)
    _reap()
    return write_record(spec.root, record.but(pid=None, started=None, release=None))


def end(record: Record, *, timeout_s: float) -> None:
    """End the process of a record, if it lives."""
    if record.pid is not None and record.started is not None:
        end_session(record.pid, record.started, marker=record.marker, timeout_s=timeout_s)


def until_healthy(spec: ProcessSpec, replica: Replica, *, pulse: Callable[[], None]) -> None:
    """Wait until the replica answers as healthy.

    Raises:
        NotStarted: it died, or was not healthy in time; with the end of its log.
    """
    name = spec.name(replica)

    def living() -> bool:
        record = find(spec.root, name)
        return record is not None and record.pid is not None

    if spec.health is None:
        wrong = "" if living() else _("it has ended")
    else:
        wrong = wait_healthy(replica, spec.health, living=living, pulse=pulse)
    if wrong:
        record = read_record(spec.root, name)
        if record is not None:
            write_record(spec.root, record.but(error=wrong))
        log = log_place(spec.root, name)
        raise NotStarted(
            _("%(name)s is not well: %(wrong)s. The end of %(log)s:\n%(tail)s")
            % {"name": name, "wrong": wrong, "log": log, "tail": tail(log)}
        )


def stop_everything(root: Path, *, timeout_s: float = 10.0) -> tuple[str, ...]:
    """End every replica that was ever started below `root`: for a demonstration or a test that leaves. Names ended."""
    ended = []
    for known in all_records(root):
        record = find(root, known.name) or known
        write_record(root, record.but(wanted=STOPPED))
        if record.pid is not None:
            end(record, timeout_s=timeout_s)
            ended.append(record.name)
        write_record(root, record.but(wanted=STOPPED, pid=None, started=None))
    _reap()
    return tuple(ended)


def _spawn(spec: ProcessSpec, argv: list[str], record: Record, release: Path) -> int:
    log = open_log(log_place(spec.root, record.name))
    try:
        child = subprocess.Popen(
            argv,
            cwd=release,
            env=_environment(spec, record, release),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(log)
    _children[child.pid] = child
    return child.pid


def _environment(spec: ProcessSpec, record: Record, release: Path) -> dict[str, str]:
    ours = {MARK: record.marker, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(release)}
    return {**inherited(), **ours, **spec.env}


def _end_strays(place: str) -> None:
    """End what an earlier start left behind without a record: two processes must not share a replica's work."""
    for pid, started in list(_leaders(place)):
        end_session(pid, started, marker=place, timeout_s=1.0)


def _leaders(place: str) -> Iterator[tuple[int, int]]:
    for pid, started in marked(place):
        if os.getsid(pid) == pid:
            yield pid, started


def _reap() -> None:
    """Collect children of ours that ended; a detached child of a living worker would stay a zombie otherwise."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)


def _status(root: Path, known: Record) -> ReplicaStatus:
    record = find(root, known.name) or known
    return ReplicaStatus(
        name=record.name,
        service=record.service,
        port=record.port,
        wanted=record.wanted,
        running=record.pid is not None,
        pid=record.pid,
        started_at=record.started_at if record.pid is not None else None,
        release=record.release,
        restarts=record.restarts,
        error=record.error,
        key=record.key,
        failures=record.failures,
        restarted_at=max(record.restarted, default=None),
        gave_up_at=record.gave_up_at,
    )
