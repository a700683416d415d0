"""Restart what crashed, and never what a plan has stopped or is working on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

from bonanca.actuators.process.local import NotStarted, fence_name, find, start
from bonanca.actuators.process.logs import log_place, rotate
from bonanca.actuators.process.record import RUNNING, Record, write_record
from bonanca.actuators.process.spec import ProcessSpec
from bonanca.durable.context import FenceToken
from bonanca.durable.fence import ResourceBusy, fenced

# Supervision is nobody's plan: it has one run id for ever and no epochs.
_SUPERVISION = FenceToken(run_id=UUID(int=0), epoch=0)
_SLOWEST_S = 60.0
_CALM_S = 120.0


def ensure_running(spec: ProcessSpec, *, now: datetime) -> tuple[str, ...]:
    """Start the replicas that should run and do not, each from the release that it ran; returns their names.

    A replica that keeps crashing is started at growing intervals (1 s doubling to 60 s). One that a plan has stopped
    is left alone, and nothing at all happens while a plan's step holds the service's processes. What could not be
    started is kept as the replica's `error`, which `status` shows.
    """
    crashed = [record for record in _crashed(spec) if _due(record, now)]
    if not crashed:
        return ()
    try:
        with fenced(fence_name(spec.root), _SUPERVISION, wait_s=0.0):
            # Asked again inside: a plan may have stopped it, or another worker started it, while we waited.
            return tuple(record.name for record in _crashed(spec) if _due(record, now) and _start(spec, record, now))
    except ResourceBusy:
        return ()


def _crashed(spec: ProcessSpec) -> list[Record]:
    crashed = []
    for replica in spec.replicas:
        rotate(log_place(spec.root, spec.name(replica)))
        record = find(spec.root, spec.name(replica))
        if record is not None and record.wanted == RUNNING and record.pid is None:
            crashed.append(record)
    return crashed


def _due(record: Record, now: datetime) -> bool:
    if record.started_at is None or record.restarts == 0:
        return True
    return now.timestamp() - record.started_at >= min(_SLOWEST_S, 2.0 ** (record.restarts - 1))


def _start(spec: ProcessSpec, record: Record, now: datetime) -> bool:
    replica = next(one for one in spec.replicas if spec.name(one) == record.name)
    calm = record.started_at is not None and now.timestamp() - record.started_at > _CALM_S
    restarts = 1 if calm else record.restarts + 1
    try:
        start(spec, replica, key=record.key, release=Path(record.release or ""), now=now, restarts=restarts)
    except NotStarted as error:
        write_record(spec.root, record.but(restarts=restarts, started_at=now.timestamp(), error=str(error)))
        return False
    return True
