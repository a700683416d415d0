"""What crashed comes back as it was; what a plan stopped or works on is left alone."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.actuators.process import supervise
from bonanca.actuators.process.local import ReplicaStatus, fence_name, status, stop_everything
from bonanca.actuators.process.policy import HealthWatch, RestartPolicy
from bonanca.actuators.process.rolling import restart_all, stop_all
from bonanca.actuators.process.spec import ProcessSpec
from bonanca.actuators.process.supervise import ensure_running
from bonanca.actuators.process.tests.conftest import make_release, point_current
from bonanca.durable.context import FenceToken
from bonanca.durable.fence import fenced
from tests.support.poll import eventually

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))


@pytest.fixture
def running(spec: ProcessSpec) -> ProcessSpec:
    restart_all(spec, key="deploy", now=NOW, progress=lambda *_: None, pulse=lambda: None)
    return spec


def crash(spec: ProcessSpec) -> str:
    victim = next(one for one in status(spec.root) if one.port == spec.replicas[0].port)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    eventually(lambda: len([one for one in status(spec.root) if one.running]) == 1)
    return victim.name


def test_a_crashed_replica_runs_its_own_release_again_not_a_newer_one(running: ProcessSpec) -> None:
    name = crash(running)
    make_release(running.root, "v2")
    point_current(running.root, "v2")  # a deployment has moved it and has not restarted anything yet
    assert ensure_running(running, now=NOW) == (name,)
    again = next(one for one in status(running.root) if one.name == name)
    assert again.running
    assert (Path(again.release or "").name, again.restarts, again.key) == ("v1", 1, "deploy")
    assert ensure_running(running, now=NOW) == ()


def test_what_a_plan_has_stopped_stays_stopped(running: ProcessSpec) -> None:
    stop_all(running, key="rollback", progress=lambda *_: None, pulse=lambda: None)
    assert ensure_running(running, now=NOW) == ()
    assert not any(one.running for one in status(running.root))


def test_nothing_is_started_while_a_plan_works_on_the_processes(running: ProcessSpec) -> None:
    crash(running)
    with fenced(fence_name(running.root), FenceToken(uuid4(), 1)):
        assert ensure_running(running, now=NOW) == ()
    assert len(ensure_running(running, now=NOW)) == 1


def test_one_that_keeps_crashing_is_started_at_growing_intervals(running: ProcessSpec) -> None:
    started, now = [], NOW
    for second in range(16):
        now = NOW + timedelta(seconds=second)
        if len([one for one in status(running.root) if one.running]) == 2:
            crash(running)
        if ensure_running(running, now=now):
            started.append(second)
    assert started == [0, 1, 3, 7, 15]


def test_one_that_cannot_be_started_says_why_and_is_tried_again(running: ProcessSpec) -> None:
    name = crash(running)
    (running.root / "releases" / "v1").rename(running.root / "releases" / "gone")
    assert ensure_running(running, now=NOW) == ()
    assert "cannot be started" in next(one for one in status(running.root) if one.name == name).error
    (running.root / "releases" / "gone").rename(running.root / "releases" / "v1")
    assert ensure_running(running, now=NOW + timedelta(seconds=2)) == (name,)


def test_leaving_ends_everything_below_a_root(running: ProcessSpec) -> None:
    assert len(stop_everything(running.root)) == 2
    assert not any(one.running for one in status(running.root))


WATCHED = RestartPolicy(most=2, window_s=60, backoff_s=1, watch=HealthWatch(every_s=0.0, failures=2, timeout_s=0.3))


def hang(spec: ProcessSpec, number: int = 0) -> tuple[str, int]:
    """Stop a replica without ending it: its port accepts and nobody answers."""
    victim = next(one for one in status(spec.root) if one.port == spec.replicas[number].port)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGSTOP)
    return victim.name, victim.pid


def seconds(number: float) -> datetime:
    return NOW + timedelta(seconds=20 + number)  # after the time in which a start may still be going on


def of(spec: ProcessSpec, name: str) -> ReplicaStatus:
    return next(one for one in status(spec.root) if one.name == name)


def test_one_that_hangs_is_restarted_after_bad_answers_in_a_row(running: ProcessSpec) -> None:
    name, pid = hang(running)
    assert ensure_running(running, now=seconds(0), policy=WATCHED) == ()
    assert (of(running, name).failures, of(running, name).pid) == (1, pid)
    assert ensure_running(running, now=seconds(5), policy=WATCHED) == (name,)
    again = of(running, name)
    assert (again.running, again.restarts, again.failures) == (True, 1, 0)
    assert again.pid != pid
    assert "no answer" in again.error


def test_without_a_declared_watch_only_a_crash_restarts(running: ProcessSpec) -> None:
    name, pid = hang(running)
    assert ensure_running(running, now=seconds(0)) == ()
    assert (of(running, name).failures, of(running, name).pid) == (0, pid)


def test_a_bad_answer_long_ago_is_not_in_a_row_with_one_now(running: ProcessSpec) -> None:
    name, pid = hang(running)
    ensure_running(running, now=seconds(0), policy=WATCHED)
    assert ensure_running(running, now=seconds(3600), policy=WATCHED) == ()
    assert (of(running, name).failures, of(running, name).pid) == (1, pid)


def test_one_that_answers_again_is_forgiven(running: ProcessSpec) -> None:
    name, pid = hang(running)
    ensure_running(running, now=seconds(0), policy=WATCHED)
    os.kill(pid, signal.SIGCONT)
    assert ensure_running(running, now=seconds(1), policy=WATCHED) == ()
    assert (of(running, name).failures, of(running, name).pid) == (0, pid)


def test_replicas_that_hang_together_are_restarted_one_at_a_time(running: ProcessSpec) -> None:
    hang(running, 0)
    hang(running, 1)
    ensure_running(running, now=seconds(0), policy=WATCHED)
    assert len(ensure_running(running, now=seconds(1), policy=WATCHED)) == 1


def test_after_the_limit_it_is_given_up_until_a_plan_starts_it(running: ProcessSpec) -> None:
    name, now = crash(running), seconds(0)
    for _ in range(2):
        now += timedelta(seconds=10)
        assert ensure_running(running, now=now, policy=WATCHED) == (name,)
        crash(running)
    now += timedelta(seconds=10)
    assert ensure_running(running, now=now, policy=WATCHED) == ()
    assert of(running, name).gave_up_at == now.timestamp()
    assert of(running, name).error == "it has ended"
    # Neither time nor another round changes that; a person's plan does.
    assert ensure_running(running, now=now + timedelta(hours=2), policy=WATCHED) == ()
    restart_all(running, key="person", now=now, progress=lambda *_: None, pulse=lambda: None)
    assert (of(running, name).running, of(running, name).gave_up_at, of(running, name).restarts) == (True, None, 0)


def test_one_that_was_given_up_and_answers_again_is_not_left_marked_as_failed(running: ProcessSpec) -> None:
    never = replace(WATCHED, most=0)
    name, pid = hang(running)
    for second in range(2):
        assert ensure_running(running, now=seconds(second), policy=never) == ()
    assert of(running, name).gave_up_at is not None
    os.kill(pid, signal.SIGCONT)
    ensure_running(running, now=seconds(3), policy=never)
    assert (of(running, name).gave_up_at, of(running, name).pid) == (None, pid)


def test_a_worker_that_is_started_anew_takes_nothing_healthy_for_failed(running: ProcessSpec) -> None:
    before = {one.name: one.pid for one in status(running.root)}
    supervise._asked.clear()  # all that a worker keeps in memory
    for second in range(4):
        assert ensure_running(running, now=seconds(second), policy=WATCHED) == ()
    assert {one.name: (one.pid, one.failures, one.restarts) for one in status(running.root)} == {
        name: (pid, 0, 0) for name, pid in before.items()
    }
