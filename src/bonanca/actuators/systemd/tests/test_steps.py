"""Restart, stop and undo of real units, here and over SSH."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bonanca.actuators.systemd import units
from bonanca.actuators.systemd.machine import machine_of
from bonanca.actuators.systemd.steps import SystemdRestart, SystemdRestartOnUndo, SystemdStop
from bonanca.actuators.systemd.tests.conftest import Shop
from bonanca.actuators.systemd.units import order, state_of
from bonanca.durable import crashpoints
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced, StepFailed
from bonanca.durable.registry import handler
from tests.support.systemd import SYSTEMD

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What SIGKILL is to a test inside one process."""


@pytest.fixture
def killed_at() -> Iterator[Any]:
    def at(name: str) -> None:
        def hook(reached: str) -> None:
            if reached == name:
                crashpoints.hook = None
                raise Killed

        crashpoints.hook = hook

    yield at
    crashpoints.hook = None


def pids(shop: Shop) -> list[str]:
    return [shop.state(index, "MainPID") for index in range(2)]


def test_started_restarted_once_a_key_and_stopped_by_the_undo(shop: Shop) -> None:
    step, first = SystemdRestart(), shop.context("a")
    assert step.check(first) is None
    started = step.apply(first)
    assert [(unit["active"], unit["before"]) for unit in started["units"]] == [("active", None)] * 2
    assert [str(unit["pid"]) for unit in started["units"]] == pids(shop)
    assert step.check(first) == started == step.apply(first)
    again = step.apply(shop.context("b"))
    assert all(unit["before"] for unit in again["units"])
    assert not set(pids(shop)) & {str(unit["pid"]) for unit in started["units"]}
    before = pids(shop)
    assert step.undo(shop.context("b"), again)["undone"] == "runs on"
    assert pids(shop) == before
    step.undo(first, started)
    assert pids(shop) == ["0", "0"]


def test_stopped_and_started_again_by_the_undo(shop: Shop) -> None:
    stopping = SystemdStop()
    SystemdRestart().apply(shop.context("a"))
    ctx = shop.context("s")
    assert stopping.check(ctx) is None
    done = stopping.apply(ctx)
    assert ([unit["active"] for unit in done["units"]], pids(shop)) == (["inactive"] * 2, ["0", "0"])
    assert stopping.check(ctx) == done == stopping.apply(ctx)
    back = stopping.undo(ctx, done)
    assert [unit["active"] for unit in back["units"]] == ["active"] * 2
    running = pids(shop)
    assert stopping.undo(ctx, done) == back
    assert pids(shop) == running
    idle = shop.context("idle", run=UUID(int=9))
    SystemdStop().apply(shop.context("s2"))
    nothing = stopping.apply(idle)
    assert stopping.undo(idle, nothing)["undone"] == "nothing ran before"
    assert pids(shop) == ["0", "0"]


def test_nothing_happens_on_the_way_forth_and_a_restart_on_the_way_back(shop: Shop) -> None:
    step, ctx = SystemdRestartOnUndo(), shop.context("r")
    SystemdRestart().apply(shop.context("a"))
    before = pids(shop)
    assert step.check(ctx) is None
    receipt = step.apply(ctx)
    assert pids(shop) == before
    step.undo(ctx, receipt)
    assert not set(before) & set(pids(shop))


@pytest.mark.parametrize("point", ["systemd.intent_recorded", "systemd.restarted"])
def test_a_kill_in_the_middle_restarts_nothing_twice(shop: Shop, killed_at: Any, point: str) -> None:
    step = SystemdRestart()
    step.apply(shop.context("a"))
    before, ctx = pids(shop), shop.context("b")
    killed_at(point)
    with pytest.raises(Killed):
        step.apply(ctx)
    assert step.check(ctx) is None
    half = pids(shop)
    assert (half[0] == before[0], half[1]) == (point == "systemd.intent_recorded", before[1])
    done = step.apply(ctx)
    now = pids(shop)
    assert now[1] != before[1]
    assert (now[0] == half[0]) == (point == "systemd.restarted")
    assert all(unit["before"] for unit in done["units"])


@pytest.mark.parametrize("point", ["systemd.marked", "systemd.stopped"])
def test_a_stop_killed_at_the_first_unit_is_undone_for_that_one_alone(
    shop: Shop, killed_at: Any, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    SystemdRestart().apply(shop.context("a"))
    before, stopping = pids(shop), SystemdStop()
    if point == "systemd.marked":
        # In the middle of the command itself: what it says to systemd does not arrive.
        with monkeypatch.context() as patch:
            patch.setattr(units, "_STOP", units._STOP.replace('"$@" stop', "false"))
            with pytest.raises(StepFailed):
                stopping.apply(shop.context("s"))
    else:
        killed_at(point)
        with pytest.raises(Killed):
            stopping.apply(shop.context("s"))
    assert stopping.check(shop.context("s")) is None
    begun = stopping.check(shop.context("s", by=UUID(int=7)))
    assert begun is not None
    assert [unit["unit"] for unit in begun["units"]] == [shop.spec.parts[0].unit]
    stopping.undo(shop.context("s", run=UUID(int=7)), begun)
    now = pids(shop)
    assert "0" not in now
    assert (now[0] != before[0], now[1]) == (True, before[1])
    nothing = shop.context("never begun", by=UUID(int=7))
    assert (stopping.check(nothing), SystemdRestart().check(nothing)) == (None, None)


def test_a_first_start_killed_at_the_first_unit_is_undone(shop: Shop, killed_at: Any) -> None:
    killed_at("systemd.restarted")
    with pytest.raises(Killed):
        SystemdRestart().apply(shop.context("a"))
    begun = SystemdRestart().check(shop.context("a", by=UUID(int=7)))
    assert begun is not None
    SystemdRestart().undo(shop.context("a", run=UUID(int=7)), begun)
    assert pids(shop) == ["0", "0"]


def test_a_release_that_does_not_come_up_stops_the_roll_at_the_first(shop: Shop) -> None:
    step = SystemdRestart()
    step.apply(shop.context("a"))
    before = pids(shop)
    (shop.folder / "broken").write_text("")
    with pytest.raises(StepFailed, match=r"is not well|could not restart") as failed:
        step.apply(shop.context("b"))
    assert failed.value.retryable
    assert pids(shop)[1] == before[1]
    (shop.folder / "broken").unlink()
    assert len(step.apply(shop.context("b"))["units"]) == 2


def test_an_unhealthy_unit_and_an_unknown_one_are_told(shop: Shop) -> None:
    shop.mood(0, "503")
    with pytest.raises(StepFailed, match="answers 503"):
        SystemdRestart().apply(shop.context("a", health={"path": "/", "timeout_s": 3.0}))
    with pytest.raises(StepFailed, match="knows no unit"):
        SystemdStop().apply(shop.context("b", unit="nothing-{port}.service"))
    with pytest.raises(StepFailed, match="cannot name a unit") as failed:
        SystemdStop().apply(shop.context("c", unit="../x"))
    assert not failed.value.retryable


def test_an_outdated_plan_restarts_nothing(shop: Shop) -> None:
    if shop.spec.host is None:
        SystemdRestart().apply(shop.context("a"))
    unit = shop.spec.parts[0].unit
    with machine_of(shop.spec) as machine:
        order(machine, shop.spec, "restart", unit, token=FenceToken(UUID(int=5), 2), timeout_s=30)
        pid = state_of(machine, shop.spec, unit).pid
        with pytest.raises(Fenced):
            order(machine, shop.spec, "restart", unit, token=FenceToken(UUID(int=5), 1), timeout_s=30)
        assert state_of(machine, shop.spec, unit).pid == pid


def test_the_kinds_are_known_to_plans() -> None:
    for kind in ("systemd.restart", "systemd.stop", "systemd.restart_on_undo"):
        assert handler(kind)


# Here the tests' wrapper always asks the system's manager.
@pytest.mark.parametrize("shop", ["over ssh"], indirect=True)
def test_a_unit_of_the_users_own_manager(shop: Shop) -> None:
    name = shop.spec.parts[0].unit
    folder = f"/proc/{shop.systemd.pid}/root/run/user/0/systemd/user"
    Path(folder).mkdir(parents=True, exist_ok=True)
    sleeps = f"ExecStart={sys.base_prefix}/bin/python3 -c 'import time; time.sleep(600)'"
    Path(folder, name).write_text(f"[Service]\n{sleeps}\n")
    manager = f"Type=notify\nEnvironment=XDG_RUNTIME_DIR=/run/user/0 HOME=/tmp\nExecStart={SYSTEMD} --user"
    shop.systemd.unit("users.service", f"[Service]\n{manager}\nDelegate=yes\n")
    shop.systemd.run("systemctl", "start", "users.service")
    ctx = shop.context("u", user=True, unit=name, health=None, replicas=[{"port": 1}])
    done = SystemdRestart().apply(ctx)
    assert SystemdRestart().check(ctx) == done
    assert done["units"][0]["active"] == "active"
    # The system's manager knows nothing of it.
    assert pids(shop)[0] == "0"
    SystemdRestart().undo(ctx, done)
    shop.systemd.run("systemctl", "stop", "users.service")
