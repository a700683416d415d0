"""Who intervened in an incident's plan is on its timeline, with the reason."""

from __future__ import annotations

import pytest

from bonanca.durable.events import PlanSteered
from bonanca.durable.operations.pause_plan import pause_plan
from bonanca.durable.operations.skip_step import skip_step
from bonanca.outbox.models import OutboxEvent
from bonanca.reactions.tests.happening import again, entry, happen
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.tests.plans import LATER, proposed
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


def test_an_intervention_is_told_once(shop: Shop) -> None:
    incident = shop.open()
    plan = approve_plan(proposed(shop, incident_id=incident.id).id, actor=shop.ana, now=LATER)
    assert plan.run_id is not None
    context = {"incident_id": str(incident.id)}
    for verb, step, reason, words in (
        ("pause", "", "", "Ana Souza paused the plan"),
        (
            "skip",
            "stop",
            "it is down",
            "Ana Souza skipped the step “Let running work finish and stop”",
        ),
    ):
        event = PlanSteered(
            plan.run_id, "rollback", "service:loja-api", verb, shop.ana.shown_name, step, reason, context, LATER
        )
        happen(event)
        again(event)
        assert entry(incident.id, words).at == LATER


def test_the_operations_publish_it(shop: Shop) -> None:
    plan = approve_plan(proposed(shop).id, actor=shop.ana, now=LATER)
    assert plan.run_id is not None
    pause_plan(plan.run_id, actor=shop.ana, now=LATER)
    skip_step(plan.run_id, "stop", reason="x", actor=shop.ana, now=LATER)
    told = OutboxEvent.objects.filter(name="durable.plan.steered.v1").order_by("id")
    assert [(e.payload["verb"], e.payload["step_key"]) for e in told] == [("pause", ""), ("skip", "stop")]
