"""Failures that were reported of other rollback and workflow software, each as a test that it does not happen here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from bonanca.actuators.process.local import status
from bonanca.actuators.process.spec import ProcessSpec
from bonanca.actuators.process.supervise import ensure_running
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.abort_plan import NothingToAbort, abort_plan
from bonanca.durable.operations.cancel_plan import cancel_plan
from bonanca.durable.operations.pause_plan import pause_plan
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.state import RunState
from bonanca.durable.stuck import stuck
from bonanca.durable.tests.world import ACTOR, NOW, WORLD, claim, living_executor, plan, work
from bonanca.kernel.clock import utc_now
from bonanca.response.operations.approve_plan import AnotherPlanRuns, approve_plan
from bonanca.response.tests.plans import LATER, proposed
from tests.faults.support.house import STEPS, House
from tests.support.loja import Shop
from tests.support.poll import eventually

WITHIN_S = 15.0
OWNER = """
    SELECT r.epoch, e.pid FROM durable_planrun r JOIN durable_executor e ON e.id = r.executor_id WHERE r.id = %s
"""


# -- recovery of plans -----------------------------------------------------------------------------------------------


def test_postgresql_restarted_during_recovery_strands_nothing_as_pending(house: House) -> None:
    """Seen elsewhere: workflows that were being recovered when the database restarted stayed PENDING for ever."""
    house.pool(2)
    tags = [f"stranded{number}" for number in range(4)]
    runs = {tag: house.start(tag, arm=(f"receipt:before:{tag}.2",)) for tag in tags}
    victims = {house.reached(f"receipt:before:{tag}.2") for tag in tags}
    for run in runs.values():
        (house.control / f"claim:after:{run}").touch()  # whoever recovers one stands right behind its claim
    for pid in victims:
        house.kill_pid(pid)
    house.pool(2)
    eventually(lambda: list(house.control.glob("claim:after:*@*")))
    house.cluster.kill()
    house.let_go()
    house.cluster.start(durable=False)
    house.cluster.wait_ready()
    house.wait_finished(*runs.values(), timeout_s=WITHIN_S)
    for tag, run in runs.items():
        house.assert_done_once(tag, run)
    assert house.query("SELECT id FROM durable_planrun WHERE state IN ('queued', 'running', 'paused')") == []


def test_late_recovery_does_not_run_work_that_is_owned_elsewhere(house: House) -> None:
    """Seen elsewhere: a worker that started late recovered, and so repeated, what another one was in the middle of."""
    house.pool(1)
    run = house.start("owned", arm=("effect:before:owned.2",))
    holder = house.reached("effect:before:owned.2")
    late = house.worker()
    house.wait_worker(late)
    other = house.start("meanwhile")
    house.wait_finished(other, timeout_s=WITHIN_S)  # the late one works, and has had every chance to take the first
    owner = (
        "SELECT r.epoch, e.pid FROM durable_planrun r JOIN durable_executor e ON e.id = r.executor_id WHERE r.id = %s"
    )
    assert house.query(owner, run) == [(1, holder)]
    house.let_go()
    house.wait_finished(run, timeout_s=WITHIN_S)
    house.assert_done_once("owned", run)


def test_a_recovered_plan_does_not_block_the_next(house: House) -> None:
    """Seen elsewhere: after a recovery the queue still counted the old attempt, and nothing of the subject started."""
    house.pool(2)
    run = house.start("recovered", arm=("receipt:before:recovered.3",), exclusive="shop")
    house.kill_pid(house.reached("receipt:before:recovered.3"))
    house.wait_finished(run, timeout_s=WITHIN_S)
    house.assert_done_once("recovered", run)
    following = house.start("following", exclusive="shop")
    house.wait_finished(following, timeout_s=WITHIN_S)
    house.assert_done_once("following", following)


# -- abort -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [f"receipt:after:TAG.{STEPS}", "finish:before:RUN", "finish:after:RUN"])
def test_abort_after_everything_was_done_is_honoured(house: House, place: str) -> None:
    """Seen elsewhere: abort after the full promotion was accepted and then ignored."""
    house.pool(2)
    tag = f"promoted-{place.partition(':T')[0].partition(':R')[0].replace(':', '-')}"
    point = place.replace("TAG", tag)
    run = house.start(tag, arm=(point,))
    house.reached(point.replace("RUN", run))
    assert len((house.files / tag).read_text().splitlines()) == STEPS
    house.tell(do="abort", run=run)
    house.heard()
    house.let_go()
    undo = "SELECT id FROM durable_planrun WHERE undo_of_id = %s"
    eventually(lambda: house.query(undo, run), WITHIN_S)
    house.wait_finished(str(house.query(undo, run)[0][0]), timeout_s=WITHIN_S)
    assert (house.files / tag).read_text() == ""


def test_abort_whose_worker_is_killed_before_it_noticed_is_honoured_by_the_next(house: House) -> None:
    house.pool(2)
    run = house.start("forgotten", arm=("effect:after:forgotten.2",))
    victim = house.reached("effect:after:forgotten.2")
    house.tell(do="abort", run=run)
    house.heard()
    house.kill_pid(victim)
    undo = "SELECT id FROM durable_planrun WHERE undo_of_id = %s"
    eventually(lambda: house.query(undo, run), WITHIN_S)
    house.wait_finished(run, str(house.query(undo, run)[0][0]), timeout_s=WITHIN_S)
    assert house.state(run) == "cancelled"
    assert (house.files / "forgotten").read_text() == ""


@pytest.mark.django_db
def test_abort_with_nothing_running_changes_nothing() -> None:
    """Seen elsewhere: abort without a rollout in progress scaled the good version to zero."""
    good = plan({}, {})
    work(claim(good.id, living_executor()))
    PlanRun.objects.filter(pk=good.id).update(started_at=NOW, finished_at=NOW)
    stopped = plan({})
    cancel_plan(stopped.id, actor=ACTOR, now=NOW)
    later = plan({})
    PlanRun.objects.filter(pk=later.id).update(started_at=NOW.replace(hour=13))
    for run in (good, stopped):
        with pytest.raises(NothingToAbort):
            abort_plan(run.id, actor=ACTOR, now=NOW)
        assert undo_of(run.id) is None
    assert get_run(good.id).state is RunState.SUCCEEDED
    assert {f"{good.id}:s1", f"{good.id}:s2"} <= WORLD.present


@pytest.mark.django_db
def test_abort_of_what_has_just_been_promoted_starts_its_undo() -> None:
    good = plan({})
    work(claim(good.id, living_executor()))
    undo = abort_plan(good.id, actor=ACTOR, now=NOW)
    assert undo.undo_of == good.id
    work(claim(undo.id, living_executor()))
    assert f"{good.id}:s1" not in WORLD.present


# -- going back while going forward waits ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_rollback_starts_although_an_approval_is_pending(shop: Shop) -> None:
    """Seen elsewhere: the rollback waited behind an approval for going forward that nobody gave."""
    pending = proposed(shop)
    wanted = proposed(shop, change_id=UUID(str(pending.change_id)))
    started = approve_plan(wanted.id, actor=shop.ana, now=LATER)
    assert started.run_id is not None
    assert get_run(started.run_id).state is RunState.QUEUED


@pytest.mark.django_db
def test_a_plan_that_waits_for_people_can_be_aborted_without_going_on_first(shop: Shop) -> None:
    first = approve_plan(proposed(shop).id, actor=shop.ana, now=LATER)
    assert first.run_id is not None
    pause_plan(first.run_id, actor=shop.ana, now=LATER)
    after = LATER + timedelta(minutes=1)
    second = proposed(shop, change_id=UUID(str(first.change_id)), now=after)
    with pytest.raises(AnotherPlanRuns):
        approve_plan(second.id, actor=shop.ana, now=after)
    assert abort_plan(first.run_id, actor=shop.ana, now=LATER).state is RunState.CANCELLED


# -- what is said of what is healthy -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_failed_and_then_worked_is_not_shown_as_degraded() -> None:
    """Seen elsewhere: a rollout that had recovered stayed "degraded" until somebody edited it by hand."""
    run = plan({"fails": 2})
    work(claim(run.id, living_executor()))
    view = get_run(run.id)
    assert (view.state, view.error, view.steps[0].error, stuck(view, utc_now())) == (RunState.SUCCEEDED, "", "", None)


STARTS = """
    import sys
    from bonanca.kernel.boot import setup_django
    setup_django()
    from datetime import UTC, datetime
    from bonanca.actuators.process.rolling import restart_all
    from bonanca.actuators.process.spec import ProcessSpec
    import json
    spec = ProcessSpec.from_json(json.loads(sys.argv[1]))
    restart_all(spec, key="deploy", now=datetime.now(UTC), progress=lambda *_: None, pulse=lambda: None)
    print("started", flush=True)
    sys.stdin.read()
"""


@pytest.mark.django_db
def test_a_healthy_service_is_not_marked_failed_when_the_controller_restarts(
    spec: ProcessSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen elsewhere: after its controller restarted, a service that had run all along was failed and restarted."""
    import json

    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))
    controller = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(STARTS), json.dumps(spec.to_json())],
        env=dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert controller.stdout is not None
        assert controller.stdout.readline() == "started\n"
        before = status(spec.root)
        assert all(one.running for one in before)
    finally:
        controller.send_signal(signal.SIGKILL)
        controller.communicate()
    for _ in range(3):
        assert ensure_running(spec, now=utc_now()) == ()
    after = status(spec.root)
    assert [(one.pid, one.restarts, one.error, one.running) for one in after] == [
        (one.pid, 0, "", True) for one in before
    ]


@pytest.mark.django_db
def test_a_replica_whose_start_failed_is_not_called_failing_once_it_runs(
    spec: ProcessSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bonanca.actuators.process.rolling import restart_all

    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))
    restart_all(spec, key="deploy", now=NOW, progress=lambda *_: None, pulse=lambda: None)
    victim = status(spec.root)[0]
    assert victim.pid is not None
    gone = spec.root / "releases" / "gone"
    (spec.root / "releases" / "v1").rename(gone)
    os.kill(victim.pid, signal.SIGKILL)
    eventually(lambda: not status(spec.root)[0].running)
    ensure_running(spec, now=NOW)
    assert status(spec.root)[0].error
    gone.rename(spec.root / "releases" / "v1")
    ensure_running(spec, now=NOW.replace(hour=13))
    # What last went wrong is kept to be read; what it is called does not come from there.
    now = status(spec.root)[0]
    assert (now.running, now.failures, now.gave_up_at) == (True, 0, None)
