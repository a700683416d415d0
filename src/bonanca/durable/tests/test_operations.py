"""Starting, undoing and stopping plans, and who may."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from bonanca.access.actors import person
from bonanca.access.models import User
from bonanca.durable.errors import NotUndoable, PlanNotFound
from bonanca.durable.interpreter import Outcome
from bonanca.durable.models import PlanRun, PlanStep
from bonanca.durable.operations.cancel_plan import AlreadyFinished, cancel_plan
from bonanca.durable.operations.retry_plan import NotFailed, retry_plan
from bonanca.durable.operations.start_plan import KeyTaken, start_plan
from bonanca.durable.operations.undo_plan import NotUndoableNow, undo_plan
from bonanca.durable.plan import InvalidPlan, PlanSpec, StepSpec
from bonanca.durable.queries import get_run, list_runs
from bonanca.durable.state import RunState, StepState
from bonanca.durable.tests.world import (
    ACTOR,
    NOW,
    WORLD,
    Crash,
    bury,
    claim,
    dying_at,
    living_executor,
    plan,
    work,
)
from bonanca.kernel import audit
from bonanca.kernel.errors import NotAllowed
from bonanca.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def carried_out(*params: dict[str, object], kind: str = "world.do") -> PlanRun:
    run = plan(*params, kind=kind)
    work(claim(run.id, living_executor()))
    return PlanRun.objects.get(pk=run.id)


def test_one_key_is_one_plan() -> None:
    first, second = plan({}, key="once"), plan({}, key="once")
    assert first == second
    with pytest.raises(KeyTaken):
        start_plan(PlanSpec("other", "x", "", (StepSpec("a", "world.do"),)), actor=ACTOR, now=NOW, key="once")


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (StepSpec("a", "world.do"), StepSpec("a", "world.do")),
        (StepSpec("a", "world.unknown"),),
        (StepSpec("a", "world.do", {"x": object()}),),
        (StepSpec("a", "world.do", {"x": float("nan")}),),
        (StepSpec("a", "world.do", timeout_s=0),),
    ],
)
def test_plan_that_nobody_could_carry_out(steps: tuple[StepSpec, ...]) -> None:
    with pytest.raises(InvalidPlan):
        start_plan(PlanSpec("t", "s", "", steps), actor=ACTOR, now=NOW, key="x")
    assert list_runs() == ()


def test_everything_is_recorded_and_told() -> None:
    run = carried_out({}, {})
    actions = [entry.action for entry in audit.history(f"plan:{run.pk}")]
    assert actions == ["plan.started", "plan.succeeded"]
    told = OutboxEvent.objects.filter(payload__run_id=str(run.pk)).order_by("id").values_list("name", flat=True)
    assert list(told) == ["durable.plan.step_done.v1"] * 2 + ["durable.plan.finished.v1"]


def test_undo_takes_back_the_last_first_and_can_be_undone() -> None:
    run = carried_out({}, {})
    undo = undo_plan(run.pk, actor=ACTOR, now=NOW)
    assert undo_plan(run.pk, actor=ACTOR, now=NOW).id == undo.id
    assert [step.key for step in undo.steps] == ["s2", "s1"]
    work(claim(undo.id, living_executor()))
    assert get_run(undo.id).state is RunState.SUCCEEDED
    assert not WORLD.present & {f"{run.pk}:s1", f"{run.pk}:s2"}
    again = undo_plan(undo.id, actor=ACTOR, now=NOW)
    work(claim(again.id, living_executor()))
    assert {f"{again.id}:s1", f"{again.id}:s2"} <= WORLD.present


@pytest.mark.parametrize("came_into_effect", [True, False])
def test_undo_of_a_step_that_was_begun_and_not_finished(came_into_effect: bool) -> None:
    run = carried_out({}, {"refuses": True}, {})
    if came_into_effect:
        WORLD.present.add(f"{run.pk}:s2")
    undo = undo_plan(run.pk, actor=ACTOR, now=NOW)
    assert [step.key for step in undo.steps] == ["s2", "s1"]
    work(claim(undo.id, living_executor()))
    receipt = get_run(undo.id).step("s2").receipt
    assert receipt == ({"undone": f"{run.pk}:s2"} if came_into_effect else {"nothing_to_undo": True})
    assert not [key for key in WORLD.present if key.startswith(str(run.pk))]
    with pytest.raises(NotFailed):
        retry_plan(run.pk, actor=ACTOR, now=NOW)


@pytest.mark.parametrize("how", ["fails once", "dies", "is cancelled"])
def test_an_undo_that_is_begun_again_knows_what_was_half_done(how: str) -> None:
    """Asked a second time the world would say that nothing had come into effect."""
    run = carried_out({"undo_fails": 0 if how == "dies" else 1}, kind="world.half")
    undo = undo_plan(run.pk, actor=ACTOR, now=NOW)
    first = living_executor()
    taken = claim(undo.id, first)
    if how == "dies":
        with dying_at("world:undoing"), suppress(Crash):
            work(taken)
        bury(first.pk)
        taken = claim(undo.id, living_executor())
    elif how == "is cancelled":
        PlanStep.objects.filter(run=undo.id).update(retry_for_s=0)
        assert work(taken) is Outcome.FAILED
        PlanRun.objects.filter(pk=undo.id).update(state=RunState.CANCELLED)
        undo = undo_plan(run.pk, actor=ACTOR, now=NOW)
        taken = claim(undo.id, living_executor())
    assert work(taken) is Outcome.SUCCEEDED
    assert get_run(undo.id).step("s1").receipt == {"undone": f"{run.pk}:s1"}
    assert WORLD.effects[f"{run.pk}:s1 undone"] == 1


def test_what_can_never_be_undone_is_refused_before_anything_happens() -> None:
    run = carried_out({}, kind="world.for_ever")
    with pytest.raises(NotUndoable):
        undo_plan(run.pk, actor=ACTOR, now=NOW)
    assert len(list_runs()) == 1


def test_undo_that_turns_out_impossible_fails_and_says_so() -> None:
    run = carried_out({"final": True})
    undo = undo_plan(run.pk, actor=ACTOR, now=NOW)
    work(claim(undo.id, living_executor()))
    assert (get_run(undo.id).state, get_run(undo.id).error) == (RunState.FAILED, "It stays.")
    with pytest.raises(NotUndoableNow):
        undo_plan(run.pk, actor=ACTOR, now=NOW)


def test_nothing_to_undo() -> None:
    run = plan({})
    with pytest.raises(NotUndoableNow):
        undo_plan(run.id, actor=ACTOR, now=NOW)
    cancelled = cancel_plan(run.id, actor=ACTOR, now=NOW)
    assert (cancelled.state, cancelled.steps[0].state) == (RunState.CANCELLED, StepState.SKIPPED)
    with pytest.raises(NotUndoableNow):
        undo_plan(run.id, actor=ACTOR, now=NOW)
    with pytest.raises(AlreadyFinished):
        cancel_plan(run.id, actor=ACTOR, now=NOW)


def test_who_may_act(owner: User, member: User, stranger: User) -> None:
    run = carried_out({"refuses": True})
    for operation in (retry_plan, undo_plan, cancel_plan):
        with pytest.raises(NotAllowed):
            operation(run.pk, actor=person(stranger), now=NOW)
        with pytest.raises(PlanNotFound):
            operation(uuid4(), actor=person(owner), now=NOW)
    assert retry_plan(run.pk, actor=person(member), now=NOW).state is RunState.QUEUED
    PlanRun.objects.filter(pk=run.pk).update(context={})
    with pytest.raises(NotAllowed):
        cancel_plan(run.pk, actor=person(member), now=NOW)
    assert cancel_plan(run.pk, actor=person(owner), now=NOW).state is RunState.CANCELLED


@pytest.mark.parametrize(
    "change",
    [
        {"state": "running"},
        {"state": "succeeded"},
        {"finished_at": NOW},
        {"state": "failed", "finished_at": NOW},
    ],
)
def test_database_refuses_what_cannot_be(change: dict[str, object]) -> None:
    run = plan({})
    with pytest.raises(IntegrityError), transaction.atomic():
        PlanRun.objects.filter(pk=run.id).update(**change)
