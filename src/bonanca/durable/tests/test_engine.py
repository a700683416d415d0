"""The lease engine in this process, with real threads and real commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bonanca.durable.engine import base, leases, serve
from bonanca.durable.models import Executor, PlanStep
from bonanca.durable.operations.abort_plan import abort_plan
from bonanca.durable.operations.cancel_plan import cancel_plan
from bonanca.durable.operations.pause_plan import pause_plan
from bonanca.durable.operations.retry_plan import retry_plan
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.state import RunState
from bonanca.durable.tests.world import ACTOR, NOW, RELEASED, WORLD, plan
from tests.support.poll import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    stop = threading.Event()
    worker = threading.Thread(target=serve, args=(stop, "test"))
    worker.start()
    yield stop
    stop.set()
    RELEASED.set()
    worker.join(20)
    assert not worker.is_alive()


def test_carries_out_and_leaves_in_order(stop: threading.Event) -> None:
    runs = [plan({}, {}) for _ in range(3)]
    eventually(lambda: all(get_run(run.id).state is RunState.SUCCEEDED for run in runs))
    stop.set()
    eventually(lambda: Executor.objects.filter(ended_at=None).count() == 0)


def test_step_that_does_not_come_back(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "OVERRUN_S", 0.1)
    RELEASED.clear()
    run = plan({}, kind="world.hang", timeout_s=0.2)
    eventually(lambda: get_run(run.id).state is RunState.FAILED)
    assert "0.2" in get_run(run.id).error
    PlanStep.objects.filter(run=run.id).update(kind="world.do", timeout_s=60)
    retry_plan(run.id, actor=ACTOR, now=NOW)
    eventually(lambda: get_run(run.id).state is RunState.SUCCEEDED)
    assert get_run(run.id).epoch == 2


def test_running_step_is_asked_to_stop(stop: threading.Event) -> None:
    run = plan({}, kind="world.patient")
    eventually(lambda: get_run(run.id).steps[0].progress == (0.5, "half"))
    cancel_plan(run.id, actor=ACTOR, now=NOW)
    eventually(lambda: get_run(run.id).state is RunState.CANCELLED)
    assert not WORLD.effects[f"{run.id}:s1"]


def test_running_step_whose_time_is_over(stop: threading.Event) -> None:
    run = plan({}, kind="world.patient", timeout_s=0.2, retry_for_s=0)
    eventually(lambda: get_run(run.id).state is RunState.FAILED)
    assert get_run(run.id).steps[0].attempts == 1


def test_is_an_engine() -> None:
    engine: base.Engine = leases.LeaseEngine("test", plans_at_once=1)
    assert engine.run_forever


def test_thread_that_hangs_on_after_its_plan_has_failed_ends_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("OVERRUN_S", 0.1), ("GIVEN_UP_S", 0.2), ("GRACE_S", 0.2)):
        monkeypatch.setattr(leases, name, seconds)
    RELEASED.clear()
    never = threading.Event()
    worker = threading.Thread(target=serve, args=(never, "test"))
    worker.start()
    try:
        run = plan({}, kind="world.hang", timeout_s=0.2)
        worker.join(20)
        assert not worker.is_alive()
        assert get_run(run.id).state is RunState.FAILED
        assert Executor.objects.filter(ended_at=None).count() == 0
    finally:
        never.set()
        RELEASED.set()
        worker.join(20)


def test_pause_cuts_a_wait_between_two_attempts_short(stop: threading.Event) -> None:
    run = plan({"fails": 9}, {}, retry_for_s=600)
    eventually(lambda: get_run(run.id).steps[0].failures >= 2)
    pause_plan(run.id, actor=ACTOR, now=NOW)
    eventually(lambda: get_run(run.id).state is RunState.PAUSED, 3)
    assert get_run(run.id).steps[0].state == "pending"
    cancel_plan(run.id, actor=ACTOR, now=NOW)


def test_abort_of_a_running_plan_takes_back_what_it_did(stop: threading.Event) -> None:
    run = plan({}, {})
    eventually(lambda: get_run(run.id).state is RunState.SUCCEEDED)
    slow = plan({}, kind="world.patient")
    eventually(lambda: get_run(slow.id).steps[0].progress == (0.5, "half"))
    assert abort_plan(slow.id, actor=ACTOR, now=NOW).abort_by == ACTOR.label
    eventually(lambda: get_run(slow.id).state is RunState.CANCELLED)
    undo = undo_of(slow.id)
    assert undo is not None
    eventually(lambda: get_run(undo.id).state is RunState.SUCCEEDED)
