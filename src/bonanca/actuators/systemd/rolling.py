"""Restart and stop all units of a service, one after the other, once per idempotency key.

What each unit's invocation was is kept under the key before the first is touched. One that has another invocation by
then was started since: by this step, before a worker died, or by systemd itself; in both cases from what is current.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.process.health import answer, wait_healthy
from bonanca.actuators.systemd.machine import Machine
from bonanca.actuators.systemd.spec import Part, UnitSpec
from bonanca.actuators.systemd.units import Mark, UnitFailed, UnitState, last_words, mark_of, order, state_of, unmark
from bonanca.durable.context import FenceToken
from bonanca.durable.crashpoints import point

# A unit without a health check has to live for so long to count as started.
_STAYS_S = 1.0
Progress = Callable[[float, str], None]


def before(machine: Machine, spec: UnitSpec, *, key: str, token: FenceToken) -> dict[str, str]:
    """The invocation of each running unit before the step's first attempt ("" for one that did not run).

    Raises:
        UnitFailed: a unit is not known to systemd; nothing was touched.
    """
    known = machine.remembered(key)
    if known is None:
        states = [state_of(machine, spec, part.unit) for part in spec.parts]
        missing = [state.unit for state in states if not state.loaded]
        if missing:
            raise UnitFailed(_("systemd knows no unit %(units)s.") % {"units": ", ".join(missing)})
        known = {"before": {state.unit: state.invocation if state.up else "" for state in states}}
        machine.remember(key, known, token=token)
        point("systemd.intent_recorded")
    return dict(known["before"])


def restart_all(
    machine: Machine,
    spec: UnitSpec,
    *,
    key: str,
    token: FenceToken,
    timeout_s: float,
    progress: Progress,
    pulse: Callable[[], None],
    only: frozenset[str] | None = None,
) -> list[dict[str, Any]]:
    """Restart each unit (of those in `only`) in turn and wait until its replicas are healthy; a failure ends the roll.

    Raises:
        UnitFailed: a unit was not started, did not stay, or was not healthy in time.
    """
    was = before(machine, spec, key=key, token=token)
    parts, done = [part for part in spec.parts if only is None or part.unit in only], []
    for index, part in enumerate(parts):
        progress(index / len(parts), part.unit)
        state = state_of(machine, spec, part.unit)
        if not state.up or state.invocation == was[part.unit]:
            pulse()
            order(machine, spec, "restart", part.unit, token=token, timeout_s=timeout_s, watch=pulse)
            point("systemd.restarted")
        elif mark_of(machine, part.unit) is not None:
            unmark(machine, part.unit, token=token)  # somebody else has started it after a plan had stopped it
        _until_well(machine, spec, part, pulse)
        done.append(_fact(state_of(machine, spec, part.unit), part, was))
    progress(1.0, "")
    return done


def restarted(machine: Machine, spec: UnitSpec, key: str) -> list[dict[str, Any]] | None:
    """The units, when this key has restarted every one of them and each is well; else None."""
    known = machine.remembered(key)
    if known is None:
        return None
    was, done = dict(known["before"]), []
    for part in spec.parts:
        state = state_of(machine, spec, part.unit)
        if state.active != "active" or state.invocation == was.get(part.unit):
            return None
        if mark_of(machine, part.unit) is not None:
            return None
        if spec.health is not None and any(answer(replica, spec.health.path) for replica in part.replicas):
            return None
        done.append(_fact(state, part, was))
    return done


def stop_all(
    machine: Machine,
    spec: UnitSpec,
    *,
    key: str,
    token: FenceToken,
    timeout_s: float,
    progress: Progress,
    pulse: Callable[[], None],
) -> list[dict[str, Any]]:
    """Stop each unit in turn and mark it as meant to be, so that supervision lets it be.

    How long it may take to finish its work is the unit's own TimeoutStopSec.

    Raises:
        UnitFailed: a unit is unknown or does not end.
    """
    was = before(machine, spec, key=key, token=token)
    done = []
    for index, part in enumerate(spec.parts):
        progress(index / len(spec.parts), part.unit)
        pulse()
        order(machine, spec, "stop", part.unit, key=key, token=token, timeout_s=timeout_s, watch=pulse)
        point("systemd.stopped")
        done.append(_fact(state_of(machine, spec, part.unit), part, was))
    progress(1.0, "")
    return done


def stopped(machine: Machine, spec: UnitSpec, key: str) -> list[dict[str, Any]] | None:
    """The units, when this key has stopped them and none runs; else None."""
    marks = list(marked(machine, spec))
    if any(mark is None or mark.key != key for mark in marks):
        return None
    done = facts(machine, spec, key)
    if done is None or any(one["active"] not in ("inactive", "failed") for one in done):
        return None
    return done


def marked(machine: Machine, spec: UnitSpec) -> Iterable[Mark | None]:
    """The mark of each unit."""
    return (mark_of(machine, part.unit) for part in spec.parts)


def facts(
    machine: Machine, spec: UnitSpec, key: str, only: frozenset[str] | None = None
) -> list[dict[str, Any]] | None:
    """The units (of those in `only`) as they are and were before the step; None when the step was not begun."""
    known = machine.remembered(key)
    if known is None:
        return None
    parts = [part for part in spec.parts if only is None or part.unit in only]
    return [_fact(state_of(machine, spec, part.unit), part, dict(known["before"])) for part in parts]


def _until_well(machine: Machine, spec: UnitSpec, part: Part, pulse: Callable[[], None]) -> None:
    def living() -> bool:
        return state_of(machine, spec, part.unit).up

    if spec.health is None:
        until = time.monotonic() + _STAYS_S
        while (alive := living()) and time.monotonic() < until:
            pulse()
            time.sleep(0.1)
        wrong = "" if alive and state_of(machine, spec, part.unit).active == "active" else _("it has ended")
    else:
        answers = (wait_healthy(replica, spec.health, living=living, pulse=pulse) for replica in part.replicas)
        wrong = next((wrong for wrong in answers if wrong), "")
    if wrong:
        raise UnitFailed(
            _("%(unit)s is not well: %(wrong)s.\n%(words)s")
            % {"unit": part.unit, "wrong": wrong, "words": last_words(machine, spec, part.unit)}
        )


def _fact(state: UnitState, part: Part, was: dict[str, str]) -> dict[str, Any]:
    """A unit for a receipt: what runs now, and whether it ran before (`before` null: it did not)."""
    return {
        "unit": state.unit,
        "ports": [replica.port for replica in part.replicas],
        "active": state.active,
        "sub": state.sub,
        "pid": state.pid or None,
        "restarts": state.restarts,
        "invocation": state.invocation,
        "before": was.get(state.unit) or None,
    }
