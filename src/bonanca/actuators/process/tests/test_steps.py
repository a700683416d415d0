"""The steps over processes as a plan uses them, and their undos in reverse order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bonanca.actuators.process import local
from bonanca.actuators.process.local import end, status, stop
from bonanca.actuators.process.record import Record
from bonanca.actuators.process.spec import ProcessSpec
from bonanca.actuators.process.steps import ProcessRestart, ProcessRestartOnUndo, ProcessStop
from bonanca.actuators.process.tests.conftest import make_release, point_current
from bonanca.durable import crashpoints
from bonanca.durable.context import FenceToken, StepContext
from bonanca.durable.errors import Fenced, StepFailed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))


def context(spec: ProcessSpec, *, run_id: UUID | None = None, epoch: int = 1, by: UUID | None = None) -> StepContext:
    run = run_id or uuid4()
    return StepContext(
        run_id=run,
        step_key="processes",
        token=FenceToken(by or run, epoch),
        params=spec.to_json(),
        context={},
        receipts={},
        timeout_s=60.0,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        progress=lambda *_: None,
        still_mine=lambda: None,
        remaining_s=lambda: 60.0,
    )


def running(spec: ProcessSpec) -> list[str | None]:
    return [Path(one.release).name if one.running and one.release else None for one in status(spec.root)]


def test_a_restart_is_in_effect_for_its_own_key_and_while_all_are_well(spec: ProcessSpec) -> None:
    step, ctx = ProcessRestart(), context(spec)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert step.check(ctx) == receipt
    assert step.check(context(spec)) is None
    assert step.apply(ctx) == receipt  # no process was started twice
    assert {one["before"] for one in receipt["replicas"]} == {None}


def test_the_undo_of_a_first_start_stops_the_service(spec: ProcessSpec) -> None:
    step = ProcessRestart()
    receipt = step.apply(context(spec))
    step.undo(context(spec), receipt)
    assert running(spec) == [None, None]


def test_the_undo_of_a_restart_runs_what_ran_before(spec: ProcessSpec) -> None:
    step = ProcessRestart()
    step.apply(context(spec))
    make_release(spec.root, "v2")
    point_current(spec.root, "v2")
    receipt = step.apply(context(spec))
    assert running(spec) == ["v2", "v2"]
    step.undo(context(spec), receipt)
    assert running(spec) == ["v1", "v1"]


@pytest.mark.parametrize("first", [ProcessStop, ProcessRestartOnUndo])
def test_undone_in_reverse_a_plan_ends_with_the_old_version_running(
    spec: ProcessSpec, first: type[ProcessStop | ProcessRestartOnUndo]
) -> None:
    ProcessRestart().apply(context(spec))
    opened = first().apply(context(spec))
    make_release(spec.root, "v2")
    point_current(spec.root, "v2")
    closed = ProcessRestart().apply(context(spec))
    assert running(spec) == ["v2", "v2"]

    ProcessRestart().undo(context(spec), closed)
    point_current(spec.root, "v1")
    first().undo(context(spec), opened)
    assert running(spec) == ["v1", "v1"]


def test_a_stop_is_in_effect_for_its_own_key(spec: ProcessSpec) -> None:
    ProcessRestart().apply(context(spec))
    step, ctx = ProcessStop(), context(spec)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert running(spec) == [None, None]
    assert step.check(ctx) == receipt == step.apply(ctx)
    assert step.check(context(spec)) is None


def test_an_outdated_worker_touches_no_process(spec: ProcessSpec) -> None:
    run = uuid4()
    ProcessRestart().apply(context(spec, run_id=run, epoch=2))
    with pytest.raises(Fenced):
        ProcessStop().apply(context(spec, run_id=run, epoch=1))
    assert running(spec) == ["v1", "v1"]


def test_a_release_that_does_not_start_fails_with_its_last_words(spec: ProcessSpec) -> None:
    (spec.root / "releases" / "v1" / "broken").touch()
    with pytest.raises(StepFailed, match="this release is broken") as failed:
        ProcessRestart().apply(context(spec))
    assert failed.value.retryable  # a deployment does not retry it, a way back does (StepSpec.retry_for_s)


def test_a_restart_that_failed_at_the_first_replica_is_undone_for_that_one_too(spec: ProcessSpec) -> None:
    ProcessRestart().apply(context(spec))
    make_release(spec.root, "v2", broken=True)
    point_current(spec.root, "v2")
    run, undo = uuid4(), uuid4()
    with pytest.raises(StepFailed, match="this release is broken"):
        ProcessRestart().apply(context(spec, run_id=run))
    assert sorted(running(spec), key=str) == [None, "v1"]
    assert ProcessRestart().check(context(spec, run_id=run)) is None
    touched = ProcessRestart().check(context(spec, run_id=run, by=undo))
    assert touched is not None
    ProcessRestart().undo(context(spec, run_id=undo), touched)
    assert running(spec) == ["v1", "v1"]


class Killed(BaseException):
    pass


def pids(spec: ProcessSpec) -> list[int | None]:
    return [one.pid for replica in spec.replicas for one in status(spec.root) if one.name == spec.name(replica)]


@pytest.mark.parametrize("ended", [False, True])
def test_a_stop_killed_at_the_first_replica_is_undone_for_that_one_alone(
    spec: ProcessSpec, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    ProcessRestart().apply(context(spec))
    before, run, undo = pids(spec), uuid4(), uuid4()

    def die(record: Record, *, timeout_s: float) -> None:
        if ended:
            end(record, timeout_s=timeout_s)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(local, "end", die)
        with pytest.raises(Killed):
            ProcessStop().apply(context(spec, run_id=run))
    begun = ProcessStop().check(context(spec, run_id=run, by=undo))
    assert begun is not None
    ProcessStop().undo(context(spec, run_id=undo), begun)
    assert running(spec) == ["v1", "v1"]
    assert (pids(spec)[0] != before[0], pids(spec)[1]) == (True, before[1])


def test_the_undo_of_a_start_that_was_cut_off_stops_only_what_it_started(
    spec: ProcessSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    ProcessRestart().apply(context(spec))
    stop(spec, spec.replicas[0], key="by hand")
    before, run, undo = pids(spec), uuid4(), uuid4()

    def die(name: str) -> None:
        if name == "process.forked":
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            ProcessRestart().apply(context(spec, run_id=run))
    begun = ProcessRestart().check(context(spec, run_id=run, by=undo))
    assert begun is not None
    ProcessRestart().undo(context(spec, run_id=undo), begun)
    assert pids(spec) == [None, before[1]]
