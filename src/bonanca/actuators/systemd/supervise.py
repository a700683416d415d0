"""Restart units that failed, hang or are overloaded, where a policy is declared; else systemd's own word stands.

What is known of a unit (our restarts, bad answers in a row, given up) is in a record of this host, as for processes.
A unit that is inactive was stopped by somebody and is left alone, and so is one that a plan has stopped, whatever it is
since: that is asked, with all that was judged, once more under the fence in which it would be restarted.
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
from bonanca.actuators.process.policy import RestartPolicy
from bonanca.actuators.process.record import RUNNING, STOPPED, Record, read_record, write_record
from bonanca.actuators.ssh.session import HostUnreachable
from bonanca.actuators.systemd.machine import Machine, machine_of
from bonanca.actuators.systemd.spec import Part, UnitSpec
from bonanca.actuators.systemd.units import UnitFailed, UnitState, mark_of, mend, state_of
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import ResourceBusy
from bonanca.kernel.home import bonanca_home

# Supervision is nobody's plan: it has one run id for ever and no epochs.
_SUPERVISION = FenceToken(run_id=UUID(int=0), epoch=0)
CONNECT_S = 5.0
_RESTART_S = 120.0
# When each unit was asked last, by this worker's own clock.
_asked: dict[tuple[Path, str], float] = {}


@dataclass(frozen=True)
class SeenUnit:
    """A unit now, what is known of it here, and the release below its root.

    `stopped`: a plan has stopped it, and systemd calls that a failure.
    """

    part: Part
    state: UnitState
    record: Record
    release: str | None
    stopped: bool = False


def observe(spec: UnitSpec) -> tuple[SeenUnit, ...]:
    """How the units are.

    Raises:
        HostUnreachable, HostRefused, UnitFailed: it cannot be said.
    """
    with machine_of(spec, timeout_s=CONNECT_S) as machine:
        release = machine.release()
        return tuple(_seen(machine, spec, part, release) for part in spec.parts)


def _seen(machine: Machine, spec: UnitSpec, part: Part, release: str | None) -> SeenUnit:
    state = state_of(machine, spec, part.unit)
    stopped = state.active == "failed" and mark_of(machine, part.unit) is not None
    return SeenUnit(part, state, _record(spec, part), release, stopped)


def ensure_running(spec: UnitSpec, policy: RestartPolicy, *, now: datetime) -> tuple[str, ...]:
    """Restart what failed or answers badly, one unit at a time, as the policy allows; their names.

    Raises:
        HostUnreachable, HostRefused, UnitFailed: nothing can be said or done at present.
    """
    with machine_of(spec, timeout_s=CONNECT_S) as machine:
        return tuple(_mended(machine, spec, policy, now))


def _mended(machine: Machine, spec: UnitSpec, policy: RestartPolicy, now: datetime) -> Iterator[str]:
    for part in spec.parts:
        state = state_of(machine, spec, part.unit)
        record = _met(spec, state, _record(spec, part), now)
        wrong = _wrong(spec, part, state, record, policy, now)
        if wrong is None:
            continue
        if not wrong:
            if record.failures or record.gave_up_at is not None or record.wanted != RUNNING:
                write_record(_folder(spec), record.but(wanted=RUNNING, failures=0, gave_up_at=None))
            continue
        if mark_of(machine, part.unit) is not None:
            continue
        failures = 1 if state.active == "failed" else record.failures + 1
        needed = 1 if state.active == "failed" or policy.watch is None else policy.watch.failures
        record = write_record(_folder(spec), record.but(wanted=RUNNING, failures=failures, error=wrong))
        if failures >= needed and record.gave_up_at is None and _restart(machine, spec, state, record, policy, now):
            yield part.unit
            return  # a cause that units share does not take all of them away at once


def _met(spec: UnitSpec, state: UnitState, record: Record, now: datetime) -> Record:
    """Note when a start of the unit (an invocation) was seen first: bad answers of the one before are not its own."""
    if not state.up or record.key == state.invocation:
        return record
    return write_record(_folder(spec), record.but(key=state.invocation, started_at=now.timestamp(), failures=0))


def _wrong(
    spec: UnitSpec, part: Part, state: UnitState, record: Record, policy: RestartPolicy, now: datetime
) -> str | None:
    """What is wrong with a unit, "" for nothing, None when it is not (yet) ours to say."""
    if state.active == "failed":
        return _("it has ended (%(result)s)") % {"result": state.result}
    if state.active != "active":
        return None
    if spec.health is None or policy.watch is None:
        return ""
    if record.started_at is not None and 0 <= now.timestamp() - record.started_at < spec.health.timeout_s:
        return None  # it may still be starting
    moment, place = time.monotonic(), (spec.root, part.unit)
    if moment - _asked.get(place, float("-inf")) < policy.watch.every_s:
        return None
    _asked[place] = moment
    answers = (answer(replica, spec.health.path, timeout_s=policy.watch.timeout_s) for replica in part.replicas)
    return next((wrong for wrong in answers if wrong), "")


def _restart(
    machine: Machine, spec: UnitSpec, judged: UnitState, record: Record, policy: RestartPolicy, now: datetime
) -> bool:
    recent = policy.recent(record.restarted, now.timestamp())
    if len(recent) >= policy.most:
        write_record(_folder(spec), record.but(gave_up_at=now.timestamp(), failures=0))
        return False
    last = max(recent, default=None)
    if last is not None and abs(now.timestamp() - last) < policy.pause_s(len(recent)):
        return False
    tried = record.but(restarts=record.restarts + 1, restarted=(*recent, now.timestamp()), failures=0)
    write_record(_folder(spec), tried)
    try:
        restarted = mend(machine, spec, judged, token=_SUPERVISION, timeout_s=_RESTART_S)
    except (ResourceBusy, HostUnreachable):
        restarted = False  # a plan's step works on it
    except (UnitFailed, StepFailed) as failed:
        write_record(_folder(spec), tried.but(error=str(failed)))
        return False
    if not restarted:
        write_record(_folder(spec), record.but(failures=0))  # this was none of our restarts
    return restarted


def _record(spec: UnitSpec, part: Part) -> Record:
    known = read_record(_folder(spec), part.unit)
    return known or Record(name=part.unit, service=spec.service, port=part.replicas[0].port, wanted=STOPPED)


def _folder(spec: UnitSpec) -> Path:
    """Where this host keeps what it knows of a service's units."""
    return bonanca_home() / "units" / spec.service
