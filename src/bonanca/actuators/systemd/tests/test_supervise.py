"""What failed, hangs or is overloaded is restarted within a limit; what somebody stopped is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bonanca.actuators.process.policy import HealthWatch, RestartPolicy
from bonanca.actuators.systemd import supervise
from bonanca.actuators.systemd.spec import BadUnit, UnitSpec
from bonanca.actuators.systemd.steps import SystemdRestart
from bonanca.actuators.systemd.supervise import ensure_running, observe
from bonanca.actuators.systemd.tests.conftest import Shop
from bonanca.actuators.systemd.units import _systemctl
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
