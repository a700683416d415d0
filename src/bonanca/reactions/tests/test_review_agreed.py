"""Who ticked the last point is on the incident's timeline."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.reactions.tests.happening import LATER, entry, happen
from bonanca.recovery.events import ReviewAgreed
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db


def test_the_timeline_has_the_name(shop: Shop) -> None:
    incident = shop.open()
    steps = (StepSpec("review", "recovery.review", {}),)
    spec = PlanSpec("rollback", "service:loja-api", "back", steps, {"incident_id": str(incident.id)})
    run = start_plan(spec, actor=shop.ana, now=NOW, key="r")
    happen(ReviewAgreed(uuid4(), run.id, "loja-api", "Ana Souza", LATER))
    assert entry(incident.id, "Ana Souza ticked the last point")
