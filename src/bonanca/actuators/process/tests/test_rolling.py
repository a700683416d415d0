"""A service is restarted replica by replica, once per key, and a bad release stops at the first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest

from bonanca.actuators.process.health import answer
from bonanca.actuators.process.local import NotStarted, status
from bonanca.actuators.process.rolling import restart_all, restarted, stop_all, stopped
from bonanca.actuators.process.spec import ProcessSpec
from bonanca.actuators.process.tests.conftest import make_release, point_current

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def restart(
    spec: ProcessSpec, key: str, progress: Callable[[float, str], None] = lambda *_: None, release: Path | None = None
) -> None:
    restart_all(spec, key=key, now=NOW, progress=progress, pulse=lambda: None, release=release)


def pids(spec: ProcessSpec) -> list[int | None]:
    found = {one.port: one.pid for one in status(spec.root)}
    return [found[replica.port] for replica in spec.replicas]


def versions(spec: ProcessSpec) -> list[str]:
    found = []
    for replica in spec.replicas:
        connection = HTTPConnection("127.0.0.1", replica.port, timeout=5)
        connection.request("GET", "/")
        found.append(connection.getresponse().read().decode())
        connection.close()
    return found


def test_the_other_replica_answers_while_one_is_restarted(spec: ProcessSpec) -> None:
    restart(spec, "one")
    make_release(spec.root, "v2")
    point_current(spec.root, "v2")
    told: list[tuple[float, str]] = []

    def progress(share: float, text: str) -> None:
        told.append((share, text))
        if text:
            assert all(answer(replica, "/") == "" for replica in spec.replicas)

    restart(spec, "two", progress)
    assert versions(spec) == ["v2", "v2"]
    assert told == [(0.0, spec.name(spec.replicas[0])), (0.5, spec.name(spec.replicas[1])), (1.0, "")]


def test_a_key_restarts_each_replica_once(spec: ProcessSpec) -> None:
    restart(spec, "one")
    first = pids(spec)
    restart(spec, "one")
    assert pids(spec) == first
    records = restarted(spec, "one")
    assert records is not None
    assert restarted(spec, "two") is None
    restart(spec, "two")
    assert not {*first} & {*pids(spec)}


def test_a_roll_that_was_cut_off_goes_on_where_it_was(spec: ProcessSpec) -> None:
    restart(spec, "one")

    def die_at_the_second(share: float, _text: str) -> None:
        if share == 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restart(spec, "two", die_at_the_second)
    done, waiting = pids(spec)
    restart(spec, "two")
    assert pids(spec)[0] == done
    assert pids(spec)[1] != waiting


def test_a_release_that_does_not_start_leaves_the_other_replica_alone(spec: ProcessSpec) -> None:
    restart(spec, "one")
    survivor = pids(spec)[1]
    make_release(spec.root, "v2", broken=True)
    point_current(spec.root, "v2")
    with pytest.raises(NotStarted, match="this release is broken"):
        restart(spec, "two")
    assert pids(spec) == [None, survivor]


def test_receipts_know_what_ran_before(spec: ProcessSpec) -> None:
    restart(spec, "one")
    make_release(spec.root, "v2")
    restart(spec, "two", release=spec.root / "releases" / "v2")
    records = restarted(spec, "two")
    assert records is not None
    assert {record.before for record in records} == {str(spec.root / "releases" / "v1")}
    stop_all(spec, key="three", progress=lambda *_: None, pulse=lambda: None)
    assert {record.before for record in stopped(spec, "three") or []} == {str(spec.root / "releases" / "v2")}
    restart(spec, "four")
    assert {record.before for record in restarted(spec, "four") or []} == {None}


def test_a_service_without_a_current_release_is_said_so(spec: ProcessSpec) -> None:
    (spec.root / "current").unlink()
    with pytest.raises(NotStarted, match="no current release"):
        restart(spec, "one")
