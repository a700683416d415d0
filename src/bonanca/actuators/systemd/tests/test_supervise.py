"""What failed, hangs or is overloaded is restarted within a limit; what somebody stopped is left alone."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bonanca.actuators.process.policy import HealthWatch, RestartPolicy
from bonanca.actuators.ssh.session import HostUnreachable
from bonanca.actuators.systemd import supervise
from bonanca.actuators.systemd.machine import machine_of
from bonanca.actuators.systemd.spec import BadUnit, UnitSpec
from bonanca.actuators.systemd.steps import SystemdRestart, SystemdStop
from bonanca.actuators.systemd.supervise import ensure_running, observe
from bonanca.actuators.systemd.tests.conftest import Shop
from bonanca.actuators.systemd.units import _systemctl, mend, state_of
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import ResourceBusy
from bonanca.kernel.clock import utc_now
from tests.support.poll import eventually

pytestmark = pytest.mark.django_db
POLICY = RestartPolicy(2, 300.0, 0.01, 0.02, HealthWatch(0.0, 2, 0.3))


def crash(shop: Shop, index: int) -> None:
    shop.systemd.run("systemctl", "kill", "--signal=KILL", shop.spec.parts[index].unit)
    eventually(lambda: shop.state(index, "ActiveState") == "failed")


def test_a_crash_and_a_hang_are_restarted_until_it_is_too_often(shop: Shop) -> None:
    SystemdRestart().apply(shop.context("a"))
    unit, now = shop.spec.parts[0].unit, utc_now()
    assert ensure_running(shop.spec, POLICY, now=now) == ()
    crash(shop, 0)
    assert [seen.state.active for seen in observe(shop.spec)] == ["failed", "active"]
    assert ensure_running(shop.spec, POLICY, now=now) == (unit,)
    shop.mood(0, "hang")
    eventually(lambda: shop.state(0, "ActiveState") == "active")
    pid = shop.state(0, "MainPID")
    # While it may still be starting it is not asked.
    assert ensure_running(shop.spec, POLICY, now=now + timedelta(seconds=1)) == ()
    assert observe(shop.spec)[0].record.failures == 0
    assert ensure_running(shop.spec, POLICY, now=now + timedelta(seconds=20)) == ()
    assert observe(shop.spec)[0].record.failures == 1
    assert ensure_running(shop.spec, POLICY, now=now + timedelta(seconds=21)) == (unit,)
    assert shop.state(0, "MainPID") != pid
    for second in (22, 42, 43):
        assert ensure_running(shop.spec, POLICY, now=now + timedelta(seconds=second)) == ()
    gone = observe(shop.spec)[0].record
    assert (gone.restarts, gone.gave_up_at is not None) == (2, True)
    # It answers again, or a person starts it: what is healthy is not left marked as failed.
    shop.mood(0, "200")
    ensure_running(shop.spec, POLICY, now=now + timedelta(seconds=44))
    assert observe(shop.spec)[0].record.gave_up_at is None


def test_what_somebody_stopped_stays_stopped(shop: Shop) -> None:
    SystemdRestart().apply(shop.context("a"))
    shop.systemd.run("systemctl", "stop", shop.spec.parts[1].unit)
    assert ensure_running(shop.spec, POLICY, now=utc_now()) == ()
    assert [seen.state.active for seen in observe(shop.spec)] == ["active", "inactive"]


def test_what_a_plan_stopped_is_left_alone_until_its_undo_starts_it(shop: Shop) -> None:
    (shop.folder / "rude").write_text("")
    SystemdRestart().apply(shop.context("a"))
    unit, ctx = shop.spec.parts[0].unit, shop.context("s")
    done = SystemdStop().apply(ctx)
    assert SystemdStop().check(ctx) == done
    # Whatever becomes of it: a stop that systemd calls a failure, or a start by somebody that fails.
    shop.systemd.run("systemctl", "start", unit)
    crash(shop, 0)
    for second in range(3):
        assert ensure_running(shop.spec, POLICY, now=utc_now() + timedelta(seconds=second)) == ()
    assert shop.state(0, "ActiveState") == "failed"
    assert [seen.stopped for seen in observe(shop.spec)] == [True, False]
    SystemdStop().undo(ctx, done)
    crash(shop, 0)
    assert ensure_running(shop.spec, POLICY, now=utc_now()) == (unit,)


def test_a_unit_that_ends_with_a_code_of_its_own_when_it_is_stopped_has_not_failed(shop: Shop) -> None:
    (shop.folder / "rude").write_text("")
    SystemdRestart().apply(shop.context("a"))
    SystemdStop().apply(shop.context("s"))
    assert [seen.state.active for seen in observe(shop.spec)] == ["inactive", "inactive"]


def test_what_a_plan_stops_while_it_is_judged_is_not_started(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    SystemdRestart().apply(shop.context("a"))
    crash(shop, 0)

    def late(*args: Any, **more: Any) -> bool:
        SystemdStop().apply(shop.context("s"))
        return mend(*args, **more)

    monkeypatch.setattr(supervise, "mend", late)
    assert ensure_running(shop.spec, POLICY, now=utc_now()) == ()
    assert [shop.state(index, "MainPID") for index in range(2)] == ["0", "0"]
    assert observe(shop.spec)[0].record.restarts == 0  # it was none of ours


def test_supervision_does_not_wait_for_a_plan_that_works_there(shop: Shop) -> None:
    SystemdRestart().apply(shop.context("a"))
    unit, plan = shop.spec.parts[0].unit, FenceToken(UUID(int=3), 1)
    holds = ("sh", "-c", f"touch {shop.folder}/held; exec sleep 30")

    def hold() -> None:
        with machine_of(shop.spec) as machine, suppress(StepFailed, HostUnreachable):
            machine.act(holds, token=plan, timeout_s=60, watch=lambda: _until(released))

    released = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    try:
        eventually(lambda: (shop.folder / "held").exists())
        with machine_of(shop.spec) as machine:
            judged, began = state_of(machine, shop.spec, unit), time.monotonic()
            with pytest.raises((ResourceBusy, HostUnreachable)):
                mend(machine, shop.spec, judged, token=FenceToken(UUID(int=0), 0), timeout_s=60)
            assert time.monotonic() - began < 20
    finally:
        released.set()
        thread.join()


def _until(released: threading.Event) -> None:
    if released.is_set():
        raise StepFailed("over")


@pytest.fixture(autouse=True)
def nobody_was_asked() -> None:
    supervise._asked.clear()


def test_the_users_manager_and_sudo_are_asked_in_their_ways(tmp_path: object) -> None:
    facts = {"service": "x", "root": "/srv/x", "unit": "x.service", "replicas": [{"port": 1}]}
    spec = UnitSpec.from_json({**facts, "user": True})
    assert _systemctl(spec, "stop", "--", "x.service")[-6:] == (
        "systemctl",
        "--no-ask-password",
        "--user",
        "stop",
        "--",
        "x.service",
    )
    assert _systemctl(UnitSpec.from_json({**facts, "sudo": True}), "stop")[:4] == ("sudo", "-n", "--", "systemctl")
    assert UnitSpec.from_json(spec.to_json()) == spec
    for wrong in ({"root": "x"}, {"replicas": []}, {"unit": "x"}, {"unit": "a b.service"}, {"host": {"host": "x"}}):
        with pytest.raises(BadUnit):
            UnitSpec.from_json({**facts, **wrong})
