"""What a process does, asked of real ones and of the stand-in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from bonanca.actuators.process import local
from bonanca.actuators.process.fake import FakeProcesses
from bonanca.actuators.process.spec import BadSpec, ProcessSpec

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
V1 = Path("releases/v1")


@pytest.fixture(params=["real", "fake"])
def processes(request: pytest.FixtureRequest) -> ModuleType | FakeProcesses:
    return local if request.param == "real" else FakeProcesses()


def test_a_started_replica_is_seen_with_its_release(processes: ModuleType | FakeProcesses, spec: ProcessSpec) -> None:
    record = processes.start(spec, spec.replicas[0], key="one", release=spec.root / V1, now=NOW)
    (status,) = processes.status(spec.root)
    assert status.running
    assert (status.pid, status.release, status.key) == (record.pid, str(spec.root / V1), "one")
    assert status.started_at == NOW.timestamp()


def test_starting_what_runs_changes_nothing(processes: ModuleType | FakeProcesses, spec: ProcessSpec) -> None:
    first = processes.start(spec, spec.replicas[0], key="one", release=spec.root / V1, now=NOW)
    again = processes.start(spec, spec.replicas[0], key="two", release=spec.root / V1, now=NOW)
    assert again == first


def test_a_stopped_replica_is_meant_to_be_stopped_and_knows_what_it_ran(
    processes: ModuleType | FakeProcesses, spec: ProcessSpec
) -> None:
    processes.start(spec, spec.replicas[0], key="one", release=spec.root / V1, now=NOW)
    for _ in range(2):
        record = processes.stop(spec, spec.replicas[0], key="two")
        assert record.before == str(spec.root / V1)
    (status,) = processes.status(spec.root)
    assert (status.wanted, status.running, status.pid) == ("stopped", False, None)


def test_stopping_what_never_ran_is_no_error(processes: ModuleType | FakeProcesses, spec: ProcessSpec) -> None:
    assert processes.stop(spec, spec.replicas[0], key="one").before is None


def test_a_command_that_cannot_be_filled_starts_nothing(
    processes: ModuleType | FakeProcesses, spec: ProcessSpec
) -> None:
    lame = ProcessSpec("loja-api", spec.root, ("{python}", "{config}"), spec.replicas)
    with pytest.raises(BadSpec, match="config"):
        processes.start(lame, lame.replicas[0], key="one", release=spec.root / V1, now=NOW)
    assert processes.status(spec.root) == ()
