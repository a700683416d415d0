"""Whatever happens to the workers, each step comes into effect once and in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonanca.durable import interpreter, journal
from bonanca.durable.errors import Fenced
from bonanca.durable.interpreter import Outcome
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.operations.cancel_plan import cancel_plan
from bonanca.durable.operations.retry_plan import NotFailed, retry_plan
from bonanca.durable.queries import get_run
from bonanca.durable.state import RunState, StepState
from bonanca.durable.tests.world import (
    ACTOR,
    NOW,
    WORLD,
    Crash,
    bury,
    claim,
    dying_after,
    living_executor,
    plan,
    work,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "BACKOFF_FIRST_S", 0.0)


def keys(run_id: object, count: int) -> list[str]:
    return [f"{run_id}:s{number}" for number in range(1, count + 1)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fails=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    deaths=st.lists(st.integers(1, 40), max_size=6),
)
def test_workers_that_die_anywhere(fails: list[int], deaths: list[int]) -> None:
    run = plan(*({"fails": count} for count in fails))
    outdated: list[journal.Claim] = []
    for visits in [*deaths, 0]:
        executor = living_executor()
        if get_run(run.id).finished:
            break
        mine = claim(run.id, executor)
        for old in outdated[-1:]:
            refused_everywhere(old)
        with dying_after(visits), suppress(Crash):
            work(mine)
        outdated.append(mine)
        bury(executor.pk)
    view = get_run(run.id)
    assert view.state is RunState.SUCCEEDED
    assert [step.state for step in view.steps] == [StepState.DONE] * len(fails)
    assert all(step.receipt is not None for step in view.steps)
    mine_only = [key for key in WORLD.order if key.startswith(str(run.id))]
    assert mine_only == keys(run.id, len(fails))
    assert all(WORLD.effects[key] == 1 for key in mine_only)
    assert view.epoch == len(outdated)
    assert view.takeovers == len(outdated) - 1


def refused_everywhere(old: journal.Claim) -> None:
    """What an outdated worker may try; none of it changes anything."""
    before = list(PlanStep.objects.filter(run=old.run_id).values()), PlanRun.objects.filter(pk=old.run_id).values()[0]
    row = PlanStep.objects.filter(run=old.run_id).earliest("position")
    step = journal.StepWork(row.pk, row.key, row.kind, "", {}, journal.Direction.APPLY, 1.0, StepState.RUNNING)
    outdated = journal.Work(old, "test", "x", {}, (step,), {}, None)
    for attempt in (
        lambda: journal.load(old),
        lambda: journal.verify(old),
        lambda: journal.still_mine(old),
        lambda: journal.begin_step(old, step, now=NOW),
        lambda: journal.record_receipt(outdated, step, {}, now=NOW),
        lambda: journal.record_failure(outdated, step, "x", "", now=NOW),
        lambda: journal.wanted(old),
        lambda: journal.pause(old, now=NOW),
        lambda: journal.finish(old, RunState.SUCCEEDED, now=NOW),
        lambda: journal.show_progress(old, step, 0.5, ""),
    ):
        with pytest.raises(Fenced):
            attempt()
    journal.release(old)
    after = list(PlanStep.objects.filter(run=old.run_id).values()), PlanRun.objects.filter(pk=old.run_id).values()[0]
    assert before == after


def test_outdated_worker_stops_quietly() -> None:
    run = plan({}, {})
    first, second = living_executor(), living_executor()
    old = claim(run.id, first)
    bury(first.pk)
    new = claim(run.id, second)
    assert work(old) is Outcome.FENCED
    assert work(new) is Outcome.SUCCEEDED
    assert get_run(run.id).takeovers == 1


def test_living_worker_keeps_its_plan() -> None:
    run = plan({})
    first, second = living_executor(), living_executor()
    claim(run.id, first)
    others = list(PlanRun.objects.exclude(pk=run.id).values_list("pk", flat=True))
    assert journal.claim_next(second.pk, busy=others, now=NOW) is None
    assert journal.claim_next(first.pk, busy=[*others, run.id], now=NOW) is None


def test_receipts_of_earlier_steps_are_given_to_later_ones() -> None:
    run = plan({}, {}, {})
    work(claim(run.id, living_executor()))
    assert [step.receipt["seen"] for step in get_run(run.id).steps if step.receipt] == [[], ["s1"], ["s1", "s2"]]


def test_gives_up_when_its_time_is_over_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "BACKOFF_FIRST_S", 0.02)
    run = plan({}, {"fails": 1000}, {}, retry_for_s=0.2)
    began = time.monotonic()
    assert work(claim(run.id, living_executor())) is Outcome.FAILED
    assert 0.2 <= time.monotonic() - began < 5
    view = get_run(run.id)
    assert view.state is RunState.FAILED
    assert view.error.startswith("not yet (tried ")
    assert view.hint
    assert [step.state for step in view.steps] == [StepState.DONE, StepState.FAILED, StepState.PENDING]
    assert 2 <= view.step("s2").attempts <= 20
    PlanStep.objects.filter(run=run.id, key="s2").update(params={})
    retry_plan(run.id, actor=ACTOR, now=NOW)
    with pytest.raises(NotFailed):
        retry_plan(run.id, actor=ACTOR, now=NOW)
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    assert all(WORLD.effects[key] == 1 for key in keys(run.id, 3))


def test_no_number_of_failures_ends_a_step_before_its_time() -> None:
    run = plan({"fails": 40})
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    assert get_run(run.id).steps[0].attempts == 41


def test_what_is_not_to_be_retried_fails_at_once() -> None:
    run = plan({"fails": 1}, retry_for_s=0)
    assert work(claim(run.id, living_executor())) is Outcome.FAILED
    assert (get_run(run.id).error, get_run(run.id).steps[0].attempts) == ("not yet", 1)


def test_the_time_of_a_dead_worker_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    run = plan({"fails": 1000}, retry_for_s=30)
    PlanStep.objects.filter(run=run.id).update(failing_for_s=31, failures=0)
    assert work(claim(run.id, living_executor())) is Outcome.FAILED
    assert get_run(run.id).steps[0].attempts == 1


@pytest.mark.parametrize(("params", "error"), [({"refuses": True}, "never"), ({"breaks": True}, "KeyError")])
def test_what_cannot_succeed_is_not_tried_again(params: dict[str, bool], error: str) -> None:
    run = plan(params)
    assert work(claim(run.id, living_executor())) is Outcome.FAILED
    view = get_run(run.id)
    assert error in view.error
    assert view.steps[0].attempts == 1


def test_worker_that_shuts_down_gives_the_plan_back() -> None:
    run = plan({}, {})
    stop = threading.Event()
    stop.set()
    assert work(claim(run.id, living_executor()), stop) is Outcome.RELEASED
    assert get_run(run.id).state is RunState.QUEUED
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    assert get_run(run.id).takeovers == 0


def test_cancelled_while_it_runs() -> None:
    run = plan({}, {})
    taken = claim(run.id, living_executor())
    assert cancel_plan(run.id, actor=ACTOR, now=NOW).state is RunState.RUNNING
    assert work(taken) is Outcome.CANCELLED
    view = get_run(run.id)
    assert [step.state for step in view.steps] == [StepState.SKIPPED] * 2
    assert not WORLD.effects[f"{run.id}:s1"]


def test_cancelled_plan_whose_worker_died_ends_cancelled() -> None:
    run = plan({}, {})
    first = living_executor()
    with dying_after(5), suppress(Crash):
        work(claim(run.id, first))
    cancel_plan(run.id, actor=ACTOR, now=NOW)
    bury(first.pk)
    assert work(claim(run.id, living_executor())) is Outcome.CANCELLED
    assert get_run(run.id).finished
