"""The engine has ended a run: the plan that people know, and its change, learn the outcome."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bonanca.delivery.queries import get_change
from bonanca.durable.events import PlanFinished as RunFinished
from bonanca.reactions.tests.happening import again, happen
from bonanca.response.operations.start_deployment import start_deployment
from bonanca.response.queries import get_plan
from bonanca.response.tests.plans import end
from tests.support.loja import NOW, Shop
from tests.support.traces import events

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("state", "change"), [("succeeded", "deployed"), ("failed", "failed")])
def test_the_outcome_reaches_plan_and_change_once(shop: Shop, state: str, change: str) -> None:
    plan = start_deployment(shop.propose().id, actor=shop.beto, now=NOW)
    assert plan.run_id is not None
    assert plan.change_id is not None
    end(plan.run_id, state)
    ended = RunFinished(plan.run_id, "deployment", "service:loja-api", state, {})
    happen(ended)
    again(ended)
    assert (get_plan(plan.id).state, get_change(plan.change_id).state) == (state, change)
    assert [event["outcome"] for event in events("response.plan.finished")] == [state]


def test_a_run_that_nobody_proposed_is_left_alone(shop: Shop) -> None:
    happen(RunFinished(uuid4(), "backup", "service:loja-api", "succeeded", {}))
    assert events("response.plan.finished") == []
