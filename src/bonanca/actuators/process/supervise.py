"""Restart what crashed, hangs or is overloaded, and never what a plan has stopped or is working on.

What is known of a replica (restarts, bad answers in a row, given up) is in its record on disk and not in the worker,
so a worker that is started anew goes on with what the one before it knew and takes nothing healthy for failed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.process.health import answer
from bonanca.actuators.process.local import NotStarted, end, fence_name, find, start
from bonanca.actuators.process.logs import log_place, rotate
from bonanca.actuators.process.policy import RestartPolicy
from bonanca.actuators.process.record import RUNNING, Record, write_record
from bonanca.actuators.process.spec import ProcessSpec, Replica
from bonanca.durable.context import FenceToken
from bonanca.durable.fence import ResourceBusy, fenced

# Supervision is nobody's plan: it has one run id for ever and no epochs.
_SUPERVISION = FenceToken(run_id=UUID(int=0), epoch=0)
DEFAULT = RestartPolicy()
# When each replica was asked last, by this worker's own clock; another worker asks at once, which does no harm.
_asked: dict[tuple[Path, str], float] = {}


@dataclass(frozen=True)
class _Finding:
    """One replica that needs something: it has crashed (`wrong` None), answers badly, or answers again ("")."""

    replica: Replica
    record: Record
    wrong: str | None


def ensure_running(spec: ProcessSpec, *, now: datetime, policy: RestartPolicy = DEFAULT) -> tuple[str, ...]:
    """Start again the replicas that should run and do not or hang, each from the release that it ran; their names.

    A replica that goes on failing is started at growing intervals and after `policy.most` restarts given up: its
    record says since when and why, and only a plan (a person) starts it again. Of several that answer badly one at a
    time is restarted, so that a cause they share does not take all of them away at once. One that a plan has stopped
    is left alone, and nothing at all happens while a plan's step holds the service's processes.
    """
    if not _findings(spec, policy, now):
        return ()
    try:
        with fenced(fence_name(spec.root), _SUPERVISION, wait_s=0.0):
            return tuple(_mend_each(spec, policy, now))
    except ResourceBusy:
        return ()


def _findings(spec: ProcessSpec, policy: RestartPolicy, now: datetime) -> list[_Finding]:
    found = []
    for replica in spec.replicas:
        rotate(log_place(spec.root, spec.name(replica)))
        record = find(spec.root, spec.name(replica))
        if record is None or record.wanted != RUNNING:
            continue
        if record.pid is None:
            if record.gave_up_at is None and _due(record, policy, now):
                found.append(_Finding(replica, record, None))
            continue
        wrong = _answer(spec, replica, record, policy, now)
        if record.gave_up_at is not None:
            if wrong == "":  # it lives and answers again: what is healthy is not left marked as failed
                found.append(_Finding(replica, record, wrong))
        elif wrong or (wrong == "" and record.failures):
            found.append(_Finding(replica, record, wrong))
    return found


def _answer(spec: ProcessSpec, replica: Replica, record: Record, policy: RestartPolicy, now: datetime) -> str | None:
    """What is wrong with a living replica, "" for nothing, None when it is not its time to be asked."""
    if spec.health is None or policy.watch is None:
        return None
    if record.started_at is not None and 0 <= now.timestamp() - record.started_at < spec.health.timeout_s:
        return None  # it may still be starting
    moment, place = time.monotonic(), (spec.root, record.name)
    if moment - _asked.get(place, float("-inf")) < policy.watch.every_s:
        return None
    _asked[place] = moment
    return answer(replica, spec.health.path, timeout_s=policy.watch.timeout_s)


def _due(record: Record, policy: RestartPolicy, now: datetime) -> bool:
    recent = policy.recent(record.restarted, now.timestamp())
    if record.started_at is None or not recent:
        return True
    return abs(now.timestamp() - record.started_at) >= policy.pause_s(len(recent))


def _mend_each(spec: ProcessSpec, policy: RestartPolicy, now: datetime) -> Iterator[str]:
    """Inside the fence everything is asked again: a plan may have stopped it, or another worker started it."""
    hung = False
    for finding in _again(spec, policy, now):
        record = finding.record
        if finding.wrong is None:
            if _restart(spec, finding.replica, record.but(error=record.error or _("it has ended")), policy, now):
                yield record.name
        elif not finding.wrong:
            write_record(spec.root, record.but(failures=0, failed_at=None, gave_up_at=None))
        elif _counted(spec, finding, policy, now) and not hung:
            hung = True
            if _restart(spec, finding.replica, record.but(error=finding.wrong), policy, now):
                yield record.name


def _again(spec: ProcessSpec, policy: RestartPolicy, now: datetime) -> list[_Finding]:
    for replica in spec.replicas:
        _asked.pop((spec.root, spec.name(replica)), None)
    return _findings(spec, policy, now)


def _counted(spec: ProcessSpec, finding: _Finding, policy: RestartPolicy, now: datetime) -> bool:
    """Note one more bad answer in a row; whether it was one too many. Answers long ago were not in this row."""
    assert policy.watch is not None  # else nobody was asked
    record, moment = finding.record, now.timestamp()
    apart_s = 3 * (policy.watch.every_s + policy.watch.timeout_s) + 10
    in_a_row = record.failed_at is not None and abs(moment - record.failed_at) <= apart_s
    failures = record.failures + 1 if in_a_row else 1
    write_record(spec.root, record.but(failures=failures, failed_at=moment, error=finding.wrong))
    return failures >= policy.watch.failures


def _restart(spec: ProcessSpec, replica: Replica, record: Record, policy: RestartPolicy, now: datetime) -> bool:
    recent = policy.recent(record.restarted, now.timestamp())
    if len(recent) >= policy.most:
        write_record(spec.root, record.but(gave_up_at=now.timestamp(), failures=0))
        return False
    if record.pid is not None:
        if not _due(record, policy, now):
            return False
        end(record, timeout_s=spec.stop_timeout_s)
    restarts, restarted = record.restarts + 1, (*recent, now.timestamp())
    release = Path(record.release or "")
    try:
        done = start(spec, replica, key=record.key, release=release, now=now, restarts=restarts, restarted=restarted)
    except NotStarted as error:
        failed = record.but(pid=None, started=None, restarts=restarts, restarted=restarted, failures=0)
        write_record(spec.root, failed.but(started_at=now.timestamp(), error=str(error)))
        return False
    write_record(spec.root, done.but(error=record.error))
    return True
