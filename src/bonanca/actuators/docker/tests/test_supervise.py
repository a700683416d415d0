"""A container that crashed is started again, up to a limit; one that a plan stopped is left alone."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bonanca.actuators.docker import supervise
from bonanca.actuators.docker.engine import Engine, EngineAway, Image
from bonanca.actuators.docker.record import RUNNING, Record, write_record
from bonanca.actuators.docker.replicas import bring, stop, until_healthy
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.actuators.docker.supervise import ensure_running, status
from bonanca.actuators.docker.tests.conftest import COMMITS, versions
from bonanca.actuators.process.policy import HealthWatch, RestartPolicy
from bonanca.actuators.process.spec import Health
from bonanca.durable import crashpoints

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))


@pytest.fixture
def one(spec: DockerSpec, dockerd: Engine, images: dict[str, Image]) -> DockerSpec:
    """One replica that runs."""
    single = replace(spec, replicas=spec.replicas[:1])
    bring(dockerd, single, single.replicas[0], images["v1"], key="one", now=NOW)
    until_healthy(dockerd, single, single.replicas[0], pulse=lambda: None)
    return single


def crash(dockerd: Engine, spec: DockerSpec) -> None:
    (known,) = status(spec.root)
    dockerd.stop(known.record.container, timeout_s=1)


def test_one_that_ended_is_started_again_and_says_what_happened(one: DockerSpec, dockerd: Engine) -> None:
    assert ensure_running(one.root, now=NOW) == ()
    crash(dockerd, one)
    assert not status(one.root)[0].running
    assert ensure_running(one.root, now=NOW) == (one.name(one.replicas[0]),)
    (seen,) = status(one.root)
    assert seen.running
    assert seen.record.restarts == 1
    assert "it has ended" in seen.error


def test_after_the_limit_it_waits_for_a_person(one: DockerSpec, dockerd: Engine) -> None:
    policy = RestartPolicy(most=1)
    crash(dockerd, one)
    ensure_running(one.root, now=NOW, policy=policy)
    crash(dockerd, one)
    later = NOW + timedelta(seconds=30)
    assert ensure_running(one.root, now=later, policy=policy) == ()
    assert status(one.root)[0].record.gave_up_at == later.timestamp()
    assert ensure_running(one.root, now=later + timedelta(hours=1), policy=policy) == ()


def test_one_that_a_plan_stopped_is_left_alone(one: DockerSpec, dockerd: Engine) -> None:
    stop(dockerd, one, one.replicas[0], key="two")
    assert ensure_running(one.root, now=NOW + timedelta(hours=1)) == ()
    assert versions(one) == [""]


@pytest.mark.parametrize("place", ["docker.intent_recorded", "docker.stopped"])
def test_a_replacement_that_was_cut_off_is_its_plans(
    one: DockerSpec, dockerd: Engine, images: dict[str, Image], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """On the way back the container that is to run is there already: started now, two versions would run."""
    newer, replica = replace(one, image=images["v2"].id, commit=COMMITS["v2"]), one.replicas[0]
    bring(dockerd, newer, replica, images["v2"], key="forth", now=NOW)
    until_healthy(dockerd, newer, replica, pulse=lambda: None)
    before = states(dockerd, one)

    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == place:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(crashpoints, "hook", die)
        with pytest.raises(Killed):
            bring(dockerd, one, replica, images["v1"], key="back", now=NOW)
    assert ensure_running(one.root, now=NOW) == ()
    after = {name: "exited" if place == "docker.stopped" else state for name, state in before.items()}
    assert states(dockerd, one) == after
    bring(dockerd, one, replica, images["v1"], key="back", now=NOW)
    until_healthy(dockerd, one, replica, pulse=lambda: None)
    assert versions(one) == ["v1"]
    crash(dockerd, one)
    assert ensure_running(one.root, now=NOW) == (one.name(replica),)


def states(dockerd: Engine, spec: DockerSpec) -> dict[str, str]:
    return {found.name: found.status for found in dockerd.containers({"bonanca.root": str(spec.root)})}


def test_one_that_answers_badly_in_a_row_is_restarted(
    spec: DockerSpec, dockerd: Engine, images: dict[str, Image]
) -> None:
    ill = replace(spec, replicas=spec.replicas[:1], health=Health("/no-such-page", timeout_s=1.0))
    bring(dockerd, ill, ill.replicas[0], images["v1"], key="one", now=NOW)
    policy = RestartPolicy(watch=HealthWatch(every_s=0.0, failures=2))
    later = NOW + timedelta(seconds=10)
    assert ensure_running(ill.root, now=later, policy=policy) == ()
    assert ensure_running(ill.root, now=later + timedelta(seconds=1), policy=policy) == (ill.name(ill.replicas[0]),)
    assert status(ill.root)[0].record.restarts == 1


def test_a_daemon_that_is_away_runs_nothing_and_says_so(one: DockerSpec) -> None:
    (known,) = status(one.root)
    write_record(one.root, known.record.but(spec=replace(one, endpoint="unix:///nonexistent/s").to_json()))
    (seen,) = status(one.root)
    assert not seen.running
    assert "Docker does not answer" in seen.error


def test_a_daemon_that_accepts_and_never_answers_is_asked_once_and_not_for_long(
    spec: DockerSpec, dockerd: Engine, images: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_ASK_S", 0.5)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "mute"))
        door.listen()
        for number, replica in enumerate(spec.replicas):
            hung = replace(spec, endpoint=f"unix://{tmp_path}/mute").to_json()
            name = spec.name(replica)
            write_record(spec.root, Record(name, "loja-api", number, RUNNING, container="c", spec=hung))
        began = time.monotonic()
        with pytest.raises(EngineAway):
            ensure_running(spec.root, now=NOW)
        seen = status(spec.root)
    assert time.monotonic() - began < 15
    assert ["Docker does not answer" in one.error for one in seen] == [True, True]
