"""Processes that only exist in memory, for other rooms' tests; they pass the contract test of the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from bonanca.actuators.process.local import NotStarted, ReplicaStatus
from bonanca.actuators.process.record import RUNNING, STOPPED, Record
from bonanca.actuators.process.spec import ProcessSpec, Replica


@dataclass
class FakeProcesses:
    """Replicas by name. Put a name into `broken` and it will not start; `crash()` one to see it gone."""

    broken: set[str] = field(default_factory=set)
    _records: dict[str, Record] = field(default_factory=dict)
    _pids: count[int] = field(default_factory=lambda: count(1_000_001))

    def start(self, spec: ProcessSpec, replica: Replica, *, key: str, release: Path, now: datetime) -> Record:
        name = spec.name(replica)
        last = self._records.get(name)
        if last is not None and last.pid is not None:
            return last
        spec.argv(replica, release)
        if name in self.broken:
            raise NotStarted(f"{name} is broken")
        record = Record(
            name=name,
            service=spec.service,
            port=replica.port,
            wanted=RUNNING,
            key=key,
            pid=next(self._pids),
            started_at=now.timestamp(),
            release=str(release),
            before=last.before if last is not None and last.key == key else None,
        )
        self._records[name] = record
        return record

    def stop(self, spec: ProcessSpec, replica: Replica, *, key: str) -> Record:
        name = spec.name(replica)
        last = self._records.get(name) or Record(name=name, service=spec.service, port=replica.port)
        before = last.before if last.key == key else (last.release if last.pid is not None else None)
        self._records[name] = last.but(wanted=STOPPED, key=key, before=before, pid=None, release=None)
        return self._records[name]

    def crash(self, name: str) -> None:
        """The process ends by itself."""
        self._records[name] = self._records[name].but(pid=None)

    def status(self, _root: Path) -> tuple[ReplicaStatus, ...]:
        return tuple(
            ReplicaStatus(
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
            )
            for record in self._records.values()
        )
