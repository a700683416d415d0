"""Start again what crashed, hangs or is overloaded in containers, and never what a plan has stopped or works on.

As with processes, all that is known of a replica is in its record on disk: a worker that is started anew goes on with
what the one before it knew. What is started again is what was deployed, not what the catalog says by now.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from bonanca.actuators.docker.engine import Container, Docker, Engine, EngineAway, EngineRefused
from bonanca.actuators.docker.record import REPLACING, RUNNING, STARTING, Record, all_records, write_record
from bonanca.actuators.docker.replicas import fence_name, trouble
from bonanca.actuators.docker.spec import BadSpec, DockerSpec
from bonanca.actuators.process.policy import RestartPolicy
from bonanca.actuators.process.spec import Replica
from bonanca.durable.context import FenceToken
from bonanca.durable.fence import ResourceBusy, fenced

# Supervision is nobody's plan: it has one run id for ever and no epochs.
_SUPERVISION = FenceToken(run_id=UUID(int=0), epoch=0)
DEFAULT = RestartPolicy()
# For one question of a look.
_ASK_S = 10.0
# When each replica was asked last, by this worker's own clock; another worker asks at once, which does no harm.
_asked: dict[tuple[Path, str], float] = {}


@dataclass(frozen=True)
class ReplicaStatus:
    """One replica now. `running` says that its container lives, `error` what last went wrong with it."""

    record: Record
    running: bool
    error: str


@dataclass(frozen=True)
class _Finding:
    """One replica that needs something: it does not run (`wrong` None), answers badly, or answers again ("")."""

    record: Record
    spec: DockerSpec
    replica: Replica
    found: Container | None
    wrong: str | None


def status(root: Path, docker: Docker | None = None) -> tuple[ReplicaStatus, ...]:
    """Every replica that was ever started in a container below `root`; a daemon that is away runs none of them."""
    seen: list[ReplicaStatus] = []
    away: dict[str, str] = {}  # by endpoint: who does not answer is not asked again for the next one
    for record in all_records(root):
        running, error = False, record.error
        try:
            spec = DockerSpec.from_json(record.spec)
            if spec.endpoint not in away:
                found = (docker or Engine(spec.endpoint, patience_s=_ASK_S)).container(record.container)
                running = found is not None and found.running
            else:
                error = away[spec.endpoint]
        except EngineAway as gone:
            error = away[spec.endpoint] = gone.message
        except BadSpec:
            running = False  # it was stopped before it ever ran
        seen.append(ReplicaStatus(record, running, error))
    return tuple(seen)


def ensure_running(
    root: Path, *, now: datetime, policy: RestartPolicy = DEFAULT, docker: Docker | None = None
) -> tuple[str, ...]:
    """Start again the replicas that should run and do not, or hang; their names.

    A replica that goes on failing is started at growing intervals and after `policy.most` restarts given up, until a
    person starts it again. Of several that answer badly one at a time is restarted. Nothing happens while a plan's
    step holds the service's containers.

    Raises:
        EngineAway, EngineRefused: the daemon could not be asked.
    """
    if not list(_findings(root, policy, now, docker)):
        return ()
    try:
        with fenced(fence_name(root), _SUPERVISION, wait_s=0.0):
            for record in all_records(root):
                _asked.pop((root, record.name), None)
            return tuple(_mend(root, list(_findings(root, policy, now, docker)), policy, now, docker))
    except ResourceBusy:
        return ()


def _findings(root: Path, policy: RestartPolicy, now: datetime, docker: Docker | None) -> Iterator[_Finding]:
    for record in all_records(root):
        if record.wanted != RUNNING:
            continue
        spec = DockerSpec.from_json(record.spec)
        replica = next(one for one in spec.replicas if spec.name(one) == record.name)
        found = (docker or Engine(spec.endpoint, patience_s=_ASK_S)).container(record.container)
        if _in_the_middle(record, found):
            continue
        if found is None or not found.running:
            if record.gave_up_at is None and _due(record, policy, now):
                yield _Finding(record, spec, replica, found, None)
            continue
        wrong = _answer(root, record, spec, replica, found, policy, now)
        if record.gave_up_at is not None:
            if wrong == "":  # it lives and answers again: what is healthy is not left marked as failed
                yield _Finding(record, spec, replica, found, wrong)
        elif wrong or (wrong == "" and record.failures):
            yield _Finding(record, spec, replica, found, wrong)


def _in_the_middle(record: Record, found: Container | None) -> bool:
    """Whether a step has begun to replace the replica and not got far enough for its start to be ours to repeat.

    While it replaces, what ran before may run still, and nothing may be started beside that.
    """
    return record.phase == REPLACING or (record.phase == STARTING and found is None)


def _answer(
    root: Path,
    record: Record,
    spec: DockerSpec,
    replica: Replica,
    found: Container,
    policy: RestartPolicy,
    now: datetime,
) -> str | None:
    """What is wrong with a living replica, "" for nothing, None when it is not its time to be asked."""
    if policy.watch is None or (spec.health is None and not found.health):
        return None
    if record.started_at is not None and 0 <= now.timestamp() - record.started_at < spec.patience_s:
        return None  # it may still be starting
    moment, place = time.monotonic(), (root, record.name)
    if moment - _asked.get(place, float("-inf")) < policy.watch.every_s:
        return None
    _asked[place] = moment
    return trouble(spec, replica, found, timeout_s=policy.watch.timeout_s)


def _due(record: Record, policy: RestartPolicy, now: datetime) -> bool:
    recent = policy.recent(record.restarted, now.timestamp())
    if record.started_at is None or not recent:
        return True
    return abs(now.timestamp() - record.started_at) >= policy.pause_s(len(recent))


def _mend(
    root: Path, findings: list[_Finding], policy: RestartPolicy, now: datetime, docker: Docker | None
) -> Iterator[str]:
    hung = False
    for finding in findings:
        record, daemon = finding.record, docker or Engine(finding.spec.endpoint)
        if finding.wrong is None:
            ended = trouble(finding.spec, finding.replica, finding.found)
            if _restart(root, daemon, finding, record.but(error=ended), policy, now):
                yield record.name
        elif not finding.wrong:
            write_record(root, record.but(failures=0, failed_at=None, gave_up_at=None))
        else:
            counted = _counted(record, finding.wrong, policy, now)
            write_record(root, counted)
            if policy.watch is not None and counted.failures >= policy.watch.failures and not hung:
                hung = True
                if _restart(root, daemon, finding, counted, policy, now):
                    yield record.name


def _counted(record: Record, wrong: str, policy: RestartPolicy, now: datetime) -> Record:
    """The record with one more bad answer in a row. Answers long ago were not in this row."""
    assert policy.watch is not None  # else nobody was asked
    moment = now.timestamp()
    apart_s = 3 * (policy.watch.every_s + policy.watch.timeout_s) + 10
    in_a_row = record.failed_at is not None and abs(moment - record.failed_at) <= apart_s
    return record.but(failures=record.failures + 1 if in_a_row else 1, failed_at=moment, error=wrong)


def _restart(
    root: Path, docker: Docker, finding: _Finding, record: Record, policy: RestartPolicy, now: datetime
) -> bool:
    recent = policy.recent(record.restarted, now.timestamp())
    if len(recent) >= policy.most:
        write_record(root, record.but(gave_up_at=now.timestamp(), failures=0))
        return False
    if not _due(record, policy, now):
        return False
    record = record.but(
        restarts=record.restarts + 1, restarted=(*recent, now.timestamp()), started_at=now.timestamp(), failures=0
    )
    write_record(root, record)
    if finding.found is not None and finding.found.running:
        docker.stop(record.container, timeout_s=finding.spec.stop_timeout_s)
    try:
        docker.start(record.container)
    except EngineRefused as error:
        write_record(root, record.but(error=error.message))
        return False
    return True
