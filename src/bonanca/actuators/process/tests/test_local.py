"""Real processes and real kills: nothing is lost, started twice, or hit by mistake."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bonanca.actuators.process import local
from bonanca.actuators.process.local import NotStarted, find, start, status, stop, until_healthy
from bonanca.actuators.process.logs import log_place, rotate
from bonanca.actuators.process.record import STOPPED, read_record, write_record
from bonanca.actuators.process.sessions import leader_of, marked
from bonanca.actuators.process.spec import ProcessSpec
from bonanca.durable import crashpoints
from bonanca.durable.host import process
from tests.support.poll import eventually

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def run(spec: ProcessSpec, key: str = "one") -> int:
    replica = spec.replicas[0]
    record = start(spec, replica, key=key, release=spec.root / "releases" / "v1", now=NOW)
    until_healthy(spec, replica, pulse=lambda: None)
    assert record.pid is not None
    return record.pid


def log_of(spec: ProcessSpec) -> str:
    return log_place(spec.root, spec.name(spec.replicas[0])).read_text()


def test_a_service_gets_its_own_environment_and_not_ours(spec: ProcessSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    run(spec)
    assert "listening None olá" in log_of(spec)


def test_it_outlives_the_worker_that_started_it_and_another_one_takes_it_over(
    spec: ProcessSpec,
) -> None:
    code = (
        "import json, os, signal, sys\nfrom datetime import UTC, datetime\n"
        "from bonanca.actuators.process.local import start\n"
        "from bonanca.actuators.process.spec import ProcessSpec\n"
        "spec = ProcessSpec.from_json(json.load(sys.stdin))\n"
        "start(spec, spec.replicas[0], key='one', release=spec.root / 'releases/v1', now=datetime.now(UTC))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    worker = subprocess.run([sys.executable, "-c", code], input=json.dumps(spec.to_json()), text=True, check=False)
    assert worker.returncode == -signal.SIGKILL
    until_healthy(spec, spec.replicas[0], pulse=lambda: None)
    (seen,) = status(spec.root)
    assert seen.pid is not None
    stop(spec, spec.replicas[0], key="two")
    assert process(seen.pid) is None


@pytest.mark.parametrize("place", ["process.intent_recorded", "process.forked"])
def test_a_start_that_was_cut_off_is_finished_and_not_doubled(
    spec: ProcessSpec, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == place:
            raise Killed

    replica, release = spec.replicas[0], spec.root / "releases" / "v1"
    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            start(spec, replica, key="one", release=release, now=NOW)
    record = read_record(spec.root, spec.name(replica))
    assert record is not None
    assert record.pid is None

    if place == "process.forked":  # between fork and exec its environment is still that of the worker
        eventually(lambda: find(spec.root, record.name).pid)  # type: ignore[union-attr]
    start(spec, replica, key="one", release=release, now=NOW)
    until_healthy(spec, replica, pulse=lambda: None)
    assert len(list(marked(f"{spec.service}/{record.name}/"))) == 1


def test_a_look_brings_nothing_back_that_a_plan_stopped_meanwhile(
    spec: ProcessSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(spec)
    name = spec.name(spec.replicas[0])
    record = read_record(spec.root, name)
    assert record is not None
    write_record(spec.root, record.but(pid=None, started=None))  # whoever started it was killed before it noted the pid

    def slow(marker: str) -> tuple[int, int] | None:
        monkeypatch.setattr(local, "leader_of", leader_of)
        found = leader_of(marker)
        stop(spec, spec.replicas[0], key="plan")
        return found

    monkeypatch.setattr(local, "leader_of", slow)
    find(spec.root, name)
    after = read_record(spec.root, name)
    assert after is not None
    assert (after.wanted, after.key, after.pid) == (STOPPED, "plan", None)


def test_a_process_that_nothing_records_is_ended_before_another_starts(spec: ProcessSpec) -> None:
    stray = run(spec)
    (spec.root / "run" / f"{spec.name(spec.replicas[0])}.json").unlink()
    assert run(spec) != stray
    assert process(stray) is None


def test_stopping_ends_the_children_of_the_service_too(spec: ProcessSpec) -> None:
    run(replace(spec, env={"GRANDCHILD": "1"}))
    grandchild = int(log_of(spec).split("grandchild ")[1].split()[0])
    assert process(grandchild) is not None
    stop(spec, spec.replicas[0], key="two")
    assert process(grandchild) is None


@pytest.mark.parametrize("how", ["ignores SIGTERM", "is stopped"])
def test_a_process_that_does_not_listen_is_ended_all_the_same(spec: ProcessSpec, how: str) -> None:
    stubborn = replace(spec, env={"STUBBORN": "1"}, stop_timeout_s=0.2)
    pid = run(stubborn)
    if how == "is stopped":
        os.kill(pid, signal.SIGSTOP)
    stop(stubborn, spec.replicas[0], key="two")
    assert process(pid) is None


def test_a_pid_that_now_belongs_to_a_stranger_is_never_touched(spec: ProcessSpec) -> None:
    run(spec)
    stop(spec, spec.replicas[0], key="two")
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        record = read_record(spec.root, spec.name(spec.replicas[0]))
        assert record is not None
        write_record(spec.root, record.but(wanted="running", pid=stranger.pid, started=1))
        assert not status(spec.root)[0].running
        stop(spec, spec.replicas[0], key="three")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_taken_port_is_said_so_before_anything_starts(spec: ProcessSpec) -> None:
    port = spec.replicas[0].port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(NotStarted, match=f"port {port}"):
        start(spec, spec.replicas[0], key="one", release=spec.root / "releases" / "v1", now=NOW)
    assert status(spec.root) == ()


def test_a_command_that_does_not_exist_is_named(spec: ProcessSpec) -> None:
    wrong = replace(spec, command=("/nonexistent/python",))
    with pytest.raises(NotStarted, match="/nonexistent/python"):
        start(wrong, spec.replicas[0], key="one", release=spec.root / "releases" / "v1", now=NOW)


def test_one_that_dies_at_once_is_reported_with_its_last_words(spec: ProcessSpec) -> None:
    (spec.root / "releases" / "v1" / "broken").touch()
    start(spec, spec.replicas[0], key="one", release=spec.root / "releases" / "v1", now=NOW)
    with pytest.raises(NotStarted, match="this release is broken"):
        until_healthy(spec, spec.replicas[0], pulse=lambda: None)
    assert status(spec.root)[0].error == "it has ended"


def test_a_log_is_cut_by_size_while_its_writer_goes_on(spec: ProcessSpec) -> None:
    run(spec)
    log = log_place(spec.root, spec.name(spec.replicas[0]))
    before = log.read_text()
    assert rotate(log, limit_bytes=1)
    assert log.with_name(f"{log.name}.1").read_text() == before
    assert log.read_text() == ""
    assert not rotate(log, limit_bytes=1)
