"""Step kinds over systemd units: `systemd.restart`, `systemd.stop` and `systemd.restart_on_undo`.

The parameters are a `UnitSpec.to_json()`. Units always start from what is current below the root. So in a plan that
has to be undoable to a running old version, put `systemd.stop`, or for a rolling change `systemd.restart_on_undo`,
before the steps that change code and configuration: undos run in reverse, and theirs find both put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bonanca.actuators.ssh.steps import told_as_step
from bonanca.actuators.systemd.machine import Machine, machine_of
from bonanca.actuators.systemd.rolling import facts, marked, restart_all, restarted, stop_all, stopped
from bonanca.actuators.systemd.spec import BadUnit, UnitSpec
from bonanca.actuators.systemd.units import UnitFailed
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.half_done import half_done
from bonanca.durable.registry import step


@step("systemd.restart")
class SystemdRestart:
    """Restart the units one after the other, each healthy before the next is touched."""

    def check(self, ctx: StepContext) -> Receipt | None:
        with _reaching(ctx) as (machine, spec):
            done = restarted(machine, spec, ctx.key)
            if done is None and ctx.asked_by_undo:
                done = facts(machine, spec, ctx.key)  # of one that never ended: what ran before is what counts
            return None if done is None else _receipt(machine, spec, done)

    def apply(self, ctx: StepContext) -> Receipt:
        return _restart(ctx, ctx.key)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """A service that was stopped before is stopped. One that ran is restarted by whoever put its code back."""
        if any(unit["before"] for unit in receipt["units"]):
            return {**receipt, "undone": "runs on"}
        return _stop(ctx, f"{ctx.key}:undo")


@step("systemd.stop")
class SystemdStop:
    """Stop the units, and keep supervision from starting them again. Its undo starts them from what is current."""

    def check(self, ctx: StepContext) -> Receipt | None:
        with _reaching(ctx) as (machine, spec):
            done = stopped(machine, spec, ctx.key) or _half_stopped(ctx, machine, spec)
            return None if done is None else _receipt(machine, spec, done)

    def apply(self, ctx: StepContext) -> Receipt:
        return _stop(ctx, ctx.key)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if not any(unit["before"] for unit in receipt["units"]):
            return {**receipt, "undone": "nothing ran before"}
        # One that never ended has touched only some: the others run on.
        return _restart(ctx, f"{ctx.key}:undo", only=frozenset(unit["unit"] for unit in receipt["units"]))


@step("systemd.restart_on_undo")
class SystemdRestartOnUndo:
    """Does nothing going forward; its undo restarts the units, after later steps were undone."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        _spec(ctx)
        return {"units": []}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return _restart(ctx, f"{ctx.key}:undo")


def _half_stopped(ctx: StepContext, machine: Machine, spec: UnitSpec) -> list[dict[str, Any]] | None:
    marks = half_done(ctx, marked(machine, spec))
    return None if marks is None else facts(machine, spec, ctx.key, frozenset(mark.unit for mark in marks))


def _restart(ctx: StepContext, key: str, only: frozenset[str] | None = None) -> Receipt:
    with _reaching(ctx) as (machine, spec):
        done = restart_all(
            machine,
            spec,
            key=key,
            token=ctx.token,
            timeout_s=max(1.0, ctx.remaining_s() - 1.0),
            progress=ctx.progress,
            pulse=ctx.still_mine,
            only=only,
        )
        return _receipt(machine, spec, done)


def _stop(ctx: StepContext, key: str) -> Receipt:
    with _reaching(ctx) as (machine, spec):
        done = stop_all(
            machine,
            spec,
            key=key,
            token=ctx.token,
            timeout_s=max(1.0, ctx.remaining_s() - 1.0),
            progress=ctx.progress,
            pulse=ctx.still_mine,
        )
        return _receipt(machine, spec, done)


@contextmanager
def _reaching(ctx: StepContext) -> Iterator[tuple[Machine, UnitSpec]]:
    spec = _spec(ctx)
    try:
        with told_as_step(), machine_of(spec) as machine:
            yield machine, spec
    except UnitFailed as error:
        # What it needs may be away for a moment (its database starts again): how long to try is the step's to say.
        raise StepFailed(str(error), retryable=True) from error


def _spec(ctx: StepContext) -> UnitSpec:
    try:
        return UnitSpec.from_json(ctx.params)
    except BadUnit as error:
        raise StepFailed(str(error), retryable=False) from error


def _receipt(machine: Machine, spec: UnitSpec, done: list[dict[str, Any]]) -> Receipt:
    return {
        "service": spec.service,
        "host": spec.host.address if spec.host else None,
        "root": str(spec.root),
        "release": machine.release(),
        "units": done,
    }
