"""What the end of a run means: for the plan, its change, and the way back."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from bonanca.delivery.queries import get_change
from bonanca.durable.operations.abort_plan import abort_plan
from bonanca.durable.operations.undo_plan import undo_plan
from bonanca.durable.queries import get_run
from bonanca.kernel.errors import NotAllowed, NotFound
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.operations.finish_plan import finish_plan
from bonanca.response.operations.propose_undo import NothingToUndo, propose_undo
from bonanca.response.operations.start_deployment import start_deployment
from bonanca.response.queries import ProposedPlanView, get_plan
from bonanca.response.tests.plans import LATER, carried_out, end, proposed
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens

pytestmark = pytest.mark.django_db
AFTER = LATER + timedelta(minutes=5)


@pytest.fixture
def deployment(shop: Shop) -> ProposedPlanView:
    return start_deployment(shop.propose().id, actor=shop.beto, now=NOW)


def ended(plan: ProposedPlanView, state: str, **facts: str) -> ProposedPlanView:
    assert plan.run_id is not None
    end(plan.run_id, state, **facts)
    found = finish_plan(plan.run_id, now=LATER)
    assert found is not None
    return found


def state_of_change(plan: ProposedPlanView) -> str:
    assert plan.change_id is not None
    return get_change(plan.change_id).state


def test_a_deployment_that_worked_is_told_once(shop: Shop, deployment: ProposedPlanView) -> None:
    done = ended(deployment, "succeeded")
    assert (done.state, done.finished_at, state_of_change(done)) == ("succeeded", LATER, "deployed")
    [event] = events("response.plan.finished")
    assert (event["plan_id"], event["outcome"], event["kind"]) == (str(done.id), "succeeded", "deployment")
    assert done.run_id is not None
    with nothing_happens():
        assert finish_plan(done.run_id, now=AFTER) == done


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_one_that_stopped_says_why(shop: Shop, deployment: ProposedPlanView, state: str) -> None:
    done = ended(deployment, state, error="the migration failed")
    assert (done.state, done.error, state_of_change(done)) == ("failed", "the migration failed", "failed")
    assert [event["outcome"] for event in events("response.plan.finished")] == ["failed"]


def test_one_that_was_tried_again_becomes_a_success(shop: Shop, deployment: ProposedPlanView) -> None:
    ended(deployment, "failed", error="x")
    done = ended(deployment, "succeeded")
    assert (done.state, done.error, state_of_change(done)) == ("succeeded", "", "deployed")
    assert [event["outcome"] for event in events("response.plan.finished")] == ["failed", "succeeded"]


def test_an_end_that_is_told_late_says_nothing_of_a_plan_that_was_retried(
    shop: Shop, deployment: ProposedPlanView
) -> None:
    assert deployment.run_id is not None  # waits for a worker again, as after a retry
    with nothing_happens():
        told = finish_plan(deployment.run_id, now=LATER)
    assert told is not None
    assert (told.state, state_of_change(told)) == (deployment.state, state_of_change(deployment))


def test_a_run_of_somebody_else_is_none_of_ours(shop: Shop) -> None:
    with nothing_happens():
        assert finish_plan(uuid4(), now=LATER) is None


def test_a_rollback_takes_its_change_back(shop: Shop) -> None:
    done = carried_out(shop, proposed(shop))
    assert (done.state, state_of_change(done)) == ("succeeded", "rolled_back")


def test_a_failed_rollback_leaves_its_change_out(shop: Shop) -> None:
    done = carried_out(shop, proposed(shop), "failed", error="no space left")
    assert (done.state, done.error, state_of_change(done)) == ("failed", "no space left", "deployed")


def test_a_rollback_is_previewed_and_undone_and_only_once(shop: Shop) -> None:
    back = carried_out(shop, proposed(shop))
    undo = propose_undo(back.id, actor=shop.beto, now=AFTER)
    second = propose_undo(back.id, actor=shop.beto, now=AFTER)
    assert (undo.kind, undo.title, undo.undoes_id) == ("undo", "Undo: Loja back to before v2", back.id)
    assert (undo.preview.code_from, undo.preview.code_to) == (shop.sha("v1"), shop.sha("v2"))
    assert [s.key for s in undo.preview.steps] == [s.key for s in reversed(back.preview.steps)]
    # Nobody watches while a watch is taken back: its seconds are not those of the rollback.
    watching = {s.key: s.expected_s for plan in (back, undo) for s in plan.preview.steps if s.kind == "response.watch"}
    assert watching == {"watch": 0.1}
    assert undo.waits_for_approval
    running = approve_plan(undo.id, actor=shop.ana, now=AFTER)
    assert running.run_id is not None
    run = get_run(running.run_id)
    assert (run.undo_of, {step.direction for step in run.steps}) == (back.run_id, {"undo"})
    done = ended(running, "succeeded")
    assert (done.state, state_of_change(done)) == ("succeeded", "deployed")
    with nothing_happens():
        with pytest.raises(NothingToUndo):
            propose_undo(back.id, actor=shop.beto, now=AFTER)
        with pytest.raises(Exception, match=r"ran since|running already"):
            approve_plan(second.id, actor=shop.ana, now=AFTER)
    assert get_plan(second.id).state == "proposed"


def test_the_undo_of_a_failed_rollback_leaves_the_change_as_it_was(shop: Shop) -> None:
    failed = carried_out(shop, proposed(shop), "failed")
    undo = approve_plan(propose_undo(failed.id, actor=shop.beto, now=AFTER).id, actor=shop.ana, now=AFTER)
    assert (ended(undo, "succeeded").state, state_of_change(undo)) == ("succeeded", "deployed")


def test_a_rollback_that_was_undone_at_the_plan_itself_is_written_down(shop: Shop) -> None:
    back = carried_out(shop, proposed(shop))
    assert back.run_id is not None
    run = undo_plan(back.run_id, actor=shop.ana, now=AFTER)
    end(run.id, "succeeded")
    undone = finish_plan(run.id, now=AFTER)
    assert undone is not None
    assert (undone.kind, undone.state, undone.undoes_id) == ("undo", "succeeded", back.id)
    assert (undone.approved_by, state_of_change(undone)) == (shop.ana.label, "deployed")
    assert finish_plan(run.id, now=AFTER) == undone


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_deployment_that_was_aborted_after_it_was_out_takes_its_change_back(
    shop: Shop, deployment: ProposedPlanView, outcome: str
) -> None:
    done = ended(deployment, outcome)
    assert done.run_id is not None
    undo = abort_plan(done.run_id, actor=shop.ana, now=AFTER)
    assert undo.undo_of == done.run_id
    end(undo.id, "failed")
    finish_plan(undo.id, now=AFTER)
    assert state_of_change(done) != "rolled_back"  # it is not known where it stands
    end(undo.id, "succeeded")
    for _ in range(2):
        finish_plan(undo.id, now=AFTER)
        assert state_of_change(done) == "rolled_back"


def test_what_cannot_be_undone_is_refused(shop: Shop) -> None:
    waiting = proposed(shop)
    with nothing_happens():
        with pytest.raises(NothingToUndo):
            propose_undo(waiting.id, actor=shop.beto, now=LATER)
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                propose_undo(waiting.id, actor=outsider, now=LATER)
        with pytest.raises(NotFound):
            propose_undo(uuid4(), actor=shop.beto, now=LATER)
    approve_plan(waiting.id, actor=shop.ana, now=LATER)
    with nothing_happens(), pytest.raises(NothingToUndo):
        propose_undo(waiting.id, actor=shop.beto, now=LATER)


def test_a_deployment_is_taken_back_by_a_rollback_and_not_by_an_undo(shop: Shop, deployment: ProposedPlanView) -> None:
    done = ended(deployment, "succeeded")
    with nothing_happens(), pytest.raises(NothingToUndo):
        propose_undo(done.id, actor=shop.ana, now=AFTER)


def test_a_failed_deployment_can_be_taken_back(shop: Shop, deployment: ProposedPlanView) -> None:
    failed = ended(deployment, "failed")
    assert failed.change_id is not None
    shop.pin(get_change(failed.change_id))
    back = carried_out(shop, proposed(shop, change_id=failed.change_id))
    assert (back.state, state_of_change(back)) == ("succeeded", "rolled_back")
