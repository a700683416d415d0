"""A step that waits for people: its plan is held where everybody sees it, bound to no worker."""

from __future__ import annotations

import pytest
from django.utils import translation

from bonanca.durable.interpreter import Outcome
from bonanca.durable.models import PlanRun
from bonanca.durable.operations.abort_plan import abort_plan
from bonanca.durable.operations.go_on import go_on
from bonanca.durable.operations.pause_plan import pause_plan
from bonanca.durable.operations.resume_plan import resume_plan
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.durable.presentation import headline, progress
from bonanca.durable.queries import get_run, undo_of
from bonanca.durable.state import RunState, StepState
from bonanca.durable.tests.world import ACTOR, ANSWERED, NOW, WORLD, claim, living_executor, work
from bonanca.durable.views import PlanRunView
from bonanca.kernel import audit
from bonanca.kernel.ids import new_id

pytestmark = pytest.mark.django_db


def asked(**params: object) -> PlanRunView:
    steps = (
        StepSpec("before", "world.do", {}),
        StepSpec("ask", "world.ask", params),
        StepSpec("after", "world.do", {}),
    )
    spec = PlanSpec("test", "service:loja-api", "A test", steps, {"team": "loja"})
    return start_plan(spec, actor=ACTOR, now=NOW, key=str(new_id()))


def held() -> PlanRunView:
    run = asked()
    assert work(claim(run.id, living_executor())) is Outcome.PAUSED
    return get_run(run.id)


def test_it_is_held_says_what_for_and_goes_on_when_the_answer_has_come() -> None:
    run = held()
    assert (run.state, run.waits_for, run.waits_at) == (RunState.PAUSED, "an answer about it", "/answers/")
    with translation.override("en"):
        assert headline(run) == "Waits for people: an answer about it"
    shown = progress(run, ACTOR)
    assert (shown.may_resume, shown.may_pause, shown.may_abort) == (False, True, True)
    assert [step.state for step in run.steps] == [StepState.DONE, StepState.PENDING, StepState.PENDING]
    assert "plan.held" in [entry.action for entry in audit.history(f"plan:{run.id}")]
    ANSWERED.add(f"{run.id}:ask")
    assert go_on(run.id)
    assert not go_on(run.id)
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED
    assert get_run(run.id).waits_for == ""


def test_resuming_it_without_an_answer_holds_it_again() -> None:
    run = held()
    resume_plan(run.id, actor=ACTOR, now=NOW)
    assert work(claim(run.id, living_executor())) is Outcome.PAUSED
    assert get_run(run.id).waits_for


def test_an_answer_in_the_very_moment_of_holding_is_not_missed() -> None:
    run = asked(late=True)
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED


def test_what_a_person_pauses_an_answer_does_not_resume() -> None:
    run = held()
    pause_plan(run.id, actor=ACTOR, now=NOW)
    ANSWERED.add(f"{run.id}:ask")
    assert not go_on(run.id)
    assert get_run(run.id).state is RunState.PAUSED
    resume_plan(run.id, actor=ACTOR, now=NOW)
    assert work(claim(run.id, living_executor())) is Outcome.SUCCEEDED


def test_it_can_be_aborted_and_what_was_done_is_taken_back() -> None:
    run = held()
    undo = abort_plan(run.id, actor=ACTOR, now=NOW)
    assert work(claim(undo.id, living_executor())) is Outcome.SUCCEEDED
    assert f"{run.id}:before" not in WORLD.present
    assert undo_of(run.id) is not None
    assert PlanRun.objects.get(pk=run.id).state == RunState.CANCELLED
