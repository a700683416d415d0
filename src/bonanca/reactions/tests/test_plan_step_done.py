"""Each step of an incident's plan is on its timeline as it comes into effect."""

from __future__ import annotations

import pytest

from bonanca.durable.events import PlanStepDone
from bonanca.durable.models import PlanStep
from bonanca.reactions.tests.happening import again, entry, happen, told
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.tests.plans import LATER, proposed
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


def test_a_step_is_told_once_at_the_time_it_was_done(shop: Shop) -> None:
    incident = shop.open()
    plan = approve_plan(proposed(shop, incident_id=incident.id).id, actor=shop.ana, now=LATER)
    assert plan.run_id is not None
    PlanStep.objects.filter(run_id=plan.run_id, key="stop").update(
        state="done", receipt={}, started_at=LATER, finished_at=LATER
    )
    context = {"incident_id": str(incident.id)}
    done = PlanStepDone(plan.run_id, "rollback", "service:loja-api", "stop", "process.stop", context)
    happen(done)
    again(done)
    found = entry(incident.id, "step done")
    assert (found.text, found.at) == ("Plan, step done: Let running work finish and stop", LATER)


def test_steps_of_other_plans_are_not_told(shop: Shop) -> None:
    incident = shop.open()
    plan = approve_plan(proposed(shop).id, actor=shop.ana, now=LATER)
    assert plan.run_id is not None
    happen(PlanStepDone(plan.run_id, "rollback", "service:loja-api", "stop", "process.stop", {"incident_id": None}))
    assert not any("step done" in words for words in told(incident.id))
