"""What crashed comes back as it was; what a plan stopped or works on is left alone."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.actuators.process.local import fence_name, status, stop_everything
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
