"""Step kinds over processes: `process.restart`, `process.stop` and `process.restart_on_undo`.

The parameters are a `ProcessSpec.to_json()`. In a plan that has to be undoable to a *running* old version, put
`process.stop` (or, for a rolling change, `process.restart_on_undo`) before the steps that change code and
configuration: undos run in reverse order, so its undo is the one that finds both put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bonanca.actuators.process.local import NotStarted, fence_name, find
from bonanca.actuators.process.record import Record
from bonanca.actuators.process.rolling import facts, restart_all, restarted, stop_all, stopped
from bonanca.actuators.process.spec import BadSpec, ProcessSpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.half_done import half_done
from bonanca.durable.registry import step


@step("process.restart")
class ProcessRestart:
    """Restart the replicas one after the other from `<root>/current`, each healthy before the next is touched."""

    def check(self, ctx: StepContext) -> Receipt | None:
        spec = _spec(ctx)
        records = restarted(spec, ctx.key) or _half_done(ctx, spec)
        return None if records is None else _receipt(spec, records)

    def apply(self, ctx: StepContext) -> Receipt:
        return _restart(ctx, key=ctx.key)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        """Replicas that ran before run again what they ran; a service that was stopped before is stopped."""
        before = {one["before"] for one in receipt["replicas"]}
        key, touched = f"{ctx.key}:undo", _touched(receipt)
        if before == {None}:
            return _stop(ctx, key=key, only=touched)
        if len(before - {None}) > 1:  # it ran a mixture of releases: nothing sensible to go back to but `current`
            return _restart(ctx, key=key, only=touched)
        return _restart(ctx, key=key, only=touched, release=Path(next(iter(before - {None}))))


@step("process.stop")
class ProcessStop:
    """Stop every replica, and keep supervision from starting it again. Its undo starts them from `current`."""

    def check(self, ctx: StepContext) -> Receipt | None:
        spec = _spec(ctx)
        records = stopped(spec, ctx.key) or _half_done(ctx, spec)
        return None if records is None else _receipt(spec, records)

    def apply(self, ctx: StepContext) -> Receipt:
        return _stop(ctx, key=ctx.key)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if all(one["before"] is None for one in receipt["replicas"]):
            return {"replicas": []}  # nothing ran before
        return _restart(ctx, key=f"{ctx.key}:undo", only=_touched(receipt))


@step("process.restart_on_undo")
class ProcessRestartOnUndo:
    """Does nothing going forward; its undo restarts the service from `current`, after later steps were undone."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        _spec(ctx)
        return {"replicas": []}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return _restart(ctx, key=f"{ctx.key}:undo")


def _touched(receipt: Receipt) -> frozenset[str]:
    """The replicas of a receipt: a step that never ended has touched only some, and the others run on."""
    return frozenset(one["name"] for one in receipt["replicas"])


def _restart(ctx: StepContext, *, key: str, only: frozenset[str] | None = None, release: Path | None = None) -> Receipt:
    spec = _of(_spec(ctx), only)
    with _acting(ctx, spec):
        records = restart_all(
            spec, key=key, now=ctx.now(), progress=ctx.progress, pulse=ctx.still_mine, release=release
        )
    return _receipt(spec, records)


def _stop(ctx: StepContext, *, key: str, only: frozenset[str] | None = None) -> Receipt:
    spec = _of(_spec(ctx), only)
    with _acting(ctx, spec):
        records = stop_all(spec, key=key, progress=ctx.progress, pulse=ctx.still_mine)
    return _receipt(spec, records)


def _of(spec: ProcessSpec, only: frozenset[str] | None) -> ProcessSpec:
    chosen = tuple(one for one in spec.replicas if only is None or spec.name(one) in only)
    return replace(spec, replicas=chosen)


def _half_done(ctx: StepContext, spec: ProcessSpec) -> list[Record] | None:
    return half_done(ctx, (find(spec.root, spec.name(replica)) for replica in spec.replicas))


@contextmanager
def _acting(ctx: StepContext, spec: ProcessSpec) -> Iterator[None]:
    with fenced(fence_name(spec.root), ctx.token):
        try:
            yield
        except NotStarted as error:
            # What it needs may be away for a moment (its database starts again): how long to try is the step's to say.
            raise StepFailed(str(error), retryable=True) from error
        except BadSpec as error:
            raise StepFailed(str(error), retryable=False) from error
        except OSError as error:
            raise StepFailed(f"{spec.service}: {error}", retryable=True) from error


def _spec(ctx: StepContext) -> ProcessSpec:
    try:
        return ProcessSpec.from_json(ctx.params)
    except BadSpec as error:
        raise StepFailed(str(error), retryable=False) from error


def _receipt(spec: ProcessSpec, records: list[Record]) -> dict[str, Any]:
    return {"service": spec.service, "root": str(spec.root), "replicas": facts(records)}
