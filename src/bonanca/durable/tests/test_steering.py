"""Pause, resume, skip and abort: what they do, what they refuse, and what they leave as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection

from bonanca.access.actors import person
from bonanca.access.models import User
from bonanca.durable import journal
from bonanca.durable.errors import NotUndoable
from bonanca.durable.interpreter import Outcome
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.operations.abort_plan import NothingToAbort, abort_plan
from bonanca.durable.operations.cancel_plan import cancel_plan
from bonanca.durable.operations.pause_plan import pause_plan
from bonanca.durable.operations.resume_plan import resume_plan
from bonanca.durable.operations.retry_plan import retry_plan
from bonanca.durable.operations.skip_step import NotSkippable, StepNotFound, skip_step
from bonanca.durable.operations.start_plan import SubjectBusy
from bonanca.durable.operations.steering import CannotBeSteered
from bonanca.durable.operations.undo_plan import undo_plan
from bonanca.durable.queries import get_run, list_runs, undo_of
from bonanca.durable.state import RunState, StepState
from bonanca.durable.tests.world import ACTOR, NOW, WORLD, bury, claim, living_executor, plan, work
from bonanca.durable.views import PlanRunView
from bonanca.kernel import audit
from bonanca.kernel.errors import Conflict, Invalid, NotAllowed
from bonanca.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def carried_out(*params: dict[str, object], **more: str) -> PlanRunView:
    run = plan(*params, **more)  # type: ignore[arg-type] # a test's own table of arguments
    work(claim(run.id, living_executor()))
    return get_run(run.id)


def states(run: UUID) -> list[str]:
    return [step.state.value for step in get_run(run).steps]


def unchanged(run: UUID, act: Callable[[], object], error: type[Exception]) -> None:
    """Refused, and nothing is different afterwards."""
    before = PlanRun.objects.filter(pk=run).values()[0], list(PlanStep.objects.filter(run=run).values())
    told, runs = OutboxEvent.objects.count(), PlanRun.objects.count()
    with pytest.raises(error):
        act()
    assert before == (PlanRun.objects.filter(pk=run).values()[0], list(PlanStep.objects.filter(run=run).values()))
    assert (told, runs) == (OutboxEvent.objects.count(), PlanRun.objects.count())


def test_a_paused_plan_is_taken_by_nobody_until_it_is_resumed() -> None:
    run = plan({}, {})
    assert pause_plan(run.id, actor=ACTOR, now=NOW).state is RunState.PAUSED
    others = list(PlanRun.objects.exclude(pk=run.id).values_list("pk", flat=True))
    assert journal.claim_next(living_executor().pk, busy=others, now=NOW) is None
    assert pause_plan(run.id, actor=ACTOR, now=NOW).state is RunState.PAUSED
    assert resume_plan(run.id, actor=ACTOR, now=NOW).state is RunState.QUEUED
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    actions = [entry.action for entry in audit.history(f"plan:{run.id}")]
    assert actions == ["plan.started", "plan.pause_asked", "plan.resume_asked", "plan.succeeded"]
    told = OutboxEvent.objects.filter(payload__run_id=str(run.id), name="durable.plan.steered.v1")
    assert [event.payload["verb"] for event in told.order_by("id")] == ["pause", "resume"]


def test_a_running_plan_pauses_before_its_next_step_whoever_has_it_then() -> None:
    run = plan({}, {})
    first = living_executor()
    old = claim(run.id, first)
    assert pause_plan(run.id, actor=ACTOR, now=NOW).pause_requested
    bury(first.pk)
    assert work(claim(run.id, living_executor())) is Outcome.PAUSED
    assert work(old) is Outcome.FENCED
    assert (get_run(run.id).state, states(run.id)) == (RunState.PAUSED, ["pending", "pending"])
    assert not WORLD.effects[f"{run.id}:s1"]


def test_a_pause_that_was_not_reached_is_forgotten() -> None:
    run = plan({})
    taken = claim(run.id, living_executor())
    pause_plan(run.id, actor=ACTOR, now=NOW)
    assert not resume_plan(run.id, actor=ACTOR, now=NOW).pause_requested
    assert work(taken) is Outcome.SUCCEEDED


def test_what_has_ended_can_neither_be_paused_nor_resumed() -> None:
    run = carried_out({})
    unchanged(run.id, lambda: pause_plan(run.id, actor=ACTOR, now=NOW), CannotBeSteered)
    unchanged(run.id, lambda: resume_plan(run.id, actor=ACTOR, now=NOW), CannotBeSteered)


def test_a_paused_plan_can_be_cancelled() -> None:
    run = plan({})
    pause_plan(run.id, actor=ACTOR, now=NOW)
    assert cancel_plan(run.id, actor=ACTOR, now=NOW).state is RunState.CANCELLED


def test_a_failed_step_is_skipped_and_the_plan_goes_on_without_its_receipt() -> None:
    run = carried_out({}, {"refuses": True}, {})
    after = skip_step(run.id, "s2", reason=" the mirror is gone ", actor=ACTOR, now=NOW)
    assert after.state is RunState.QUEUED
    assert (after.step("s2").state, after.step("s2").skip_reason) == (StepState.SKIPPED, "the mirror is gone")
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    ended = get_run(run.id)
    assert [step.key for step in ended.skipped] == ["s2"]
    assert (ended.step("s3").receipt or {})["seen"] == ["s1"]
    undo = undo_plan(run.id, actor=ACTOR, now=NOW)
    assert work(claim(undo.id, living_executor())) is Outcome.SUCCEEDED
    assert not [key for key in WORLD.present if key.startswith(str(run.id))]


def test_a_waiting_step_of_a_paused_plan_is_skipped_and_it_stays_paused() -> None:
    run = plan({}, {})
    pause_plan(run.id, actor=ACTOR, now=NOW)
    assert skip_step(run.id, "s1", reason="done by hand", actor=ACTOR, now=NOW).state is RunState.PAUSED
    resume_plan(run.id, actor=ACTOR, now=NOW)
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    assert states(run.id) == ["skipped", "done"]
    facts = [entry.facts for entry in audit.history(f"plan:{run.id}") if entry.action == "plan.skip_asked"]
    assert facts == [{"step": "s1", "reason": "done by hand"}]


def test_what_may_not_be_skipped() -> None:
    needed = plan({}, kind="world.needed")
    pause_plan(needed.id, actor=ACTOR, now=NOW)
    unchanged(needed.id, lambda: skip_step(needed.id, "s1", reason="x", actor=ACTOR, now=NOW), NotSkippable)
    waits = plan({})
    unchanged(waits.id, lambda: skip_step(waits.id, "s1", reason="x", actor=ACTOR, now=NOW), CannotBeSteered)
    unchanged(waits.id, lambda: skip_step(waits.id, "nope", reason="x", actor=ACTOR, now=NOW), StepNotFound)
    failed = carried_out({}, {"refuses": True})
    unchanged(failed.id, lambda: skip_step(failed.id, "s2", reason="  ", actor=ACTOR, now=NOW), Invalid)
    unchanged(failed.id, lambda: skip_step(failed.id, "s1", reason="x", actor=ACTOR, now=NOW), CannotBeSteered)
    undo_plan(failed.id, actor=ACTOR, now=NOW)
    unchanged(failed.id, lambda: skip_step(failed.id, "s2", reason="x", actor=ACTOR, now=NOW), CannotBeSteered)


def test_abort_of_a_paused_plan_cancels_it_and_starts_its_undo_at_once() -> None:
    run = plan({}, {}, exclusive="x")
    taken = claim(run.id, living_executor())
    PlanRun.objects.filter(pk=run.id).update(pause_requested_at=None)
    PlanStep.objects.filter(run=run.id, key="s2").update(params={"refuses": True})
    work(taken)
    skip_step(run.id, "s2", reason="x", actor=ACTOR, now=NOW)
    pause_plan(run.id, actor=ACTOR, now=NOW)
    undo = abort_plan(run.id, actor=ACTOR, now=NOW)
    assert (get_run(run.id).state, undo.undo_of, undo.exclusive) == (RunState.CANCELLED, run.id, "x")
    assert abort_plan(run.id, actor=ACTOR, now=NOW).id == undo.id
    assert work(claim(undo.id, living_executor())) is Outcome.SUCCEEDED
    assert f"{run.id}:s1" not in WORLD.present


def test_abort_of_a_plan_that_a_worker_holds_is_honoured_when_it_stops() -> None:
    run = plan({}, {}, exclusive="y")
    taken = claim(run.id, living_executor())
    held = abort_plan(run.id, actor=ACTOR, now=NOW)
    assert (held.id, held.state, held.abort_by) == (run.id, RunState.RUNNING, ACTOR.label)
    assert work(taken) is Outcome.CANCELLED
    assert undo_of(run.id) is None  # nothing had been done
    begun = plan({}, {"refuses": True}, exclusive="y")
    old = claim(begun.id, living_executor())
    PlanRun.objects.filter(pk=begun.id).update(abort_by=ACTOR.label)
    assert work(old) is Outcome.FAILED
    undo = undo_of(begun.id)
    assert undo is not None
    assert undo.created_by == ACTOR.label


def test_abort_that_cannot_be_taken_back_is_refused_and_the_plan_goes_on() -> None:
    run = plan({}, {}, kind="world.for_ever")
    taken = claim(run.id, living_executor())
    PlanStep.objects.filter(run=run.id, key="s1").update(attempts=1)
    unchanged(run.id, lambda: abort_plan(run.id, actor=ACTOR, now=NOW), NotUndoable)
    assert work(taken) is Outcome.SUCCEEDED


def test_abort_does_not_reach_behind_a_later_plan() -> None:
    first = carried_out({})
    PlanRun.objects.filter(pk=first.id).update(finished_at=NOW)
    second = plan({})
    PlanRun.objects.filter(pk=second.id).update(started_at=NOW.replace(hour=13))
    unchanged(first.id, lambda: abort_plan(first.id, actor=ACTOR, now=NOW), NothingToAbort)


def test_who_may_steer(owner: User, member: User, stranger: User) -> None:
    run = plan({})
    for act in (pause_plan, resume_plan, abort_plan):
        with pytest.raises(NotAllowed):
            act(run.id, actor=person(stranger), now=NOW)
    for who in (stranger, member):
        with pytest.raises(NotAllowed):
            skip_step(run.id, "s1", reason="x", actor=person(who), now=NOW)
    with pytest.raises(NotAllowed):
        abort_plan(run.id, actor=person(member), now=NOW)
    assert pause_plan(run.id, actor=person(member), now=NOW).state is RunState.PAUSED
    assert resume_plan(run.id, actor=person(member), now=NOW).state is RunState.QUEUED
    assert abort_plan(run.id, actor=person(owner), now=NOW).state is RunState.CANCELLED


def test_one_plan_of_a_subject_at_a_time() -> None:
    first = carried_out({"refuses": True}, exclusive="z")
    second = plan({}, exclusive="z")
    pause_plan(second.id, actor=ACTOR, now=NOW)
    unchanged(first.id, lambda: plan({}, exclusive="z"), SubjectBusy)
    for act in (retry_plan, undo_plan, abort_plan):
        unchanged(first.id, lambda act=act: act(first.id, actor=ACTOR, now=NOW), SubjectBusy)  # type: ignore[misc]
    unchanged(first.id, lambda: skip_step(first.id, "s1", reason="x", actor=ACTOR, now=NOW), SubjectBusy)
    plan({}, exclusive="other")
    cancel_plan(second.id, actor=ACTOR, now=NOW)
    assert retry_plan(first.id, actor=ACTOR, now=NOW).state is RunState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_of_many_that_start_in_the_same_moment_one_wins() -> None:
    failed = carried_out({"refuses": True}, exclusive="race")
    gate, outcomes = threading.Barrier(6), []

    def start(number: int) -> None:
        gate.wait()
        try:
            if number == 0:
                retry_plan(failed.id, actor=ACTOR, now=NOW)
            else:
                plan({}, exclusive="race")
            outcomes.append("won")
        except Conflict:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 5 + ["won"]
    assert len([run for run in list_runs() if run.exclusive == "race" and not run.finished]) == 1
