"""A return of data that waits for people is on the incident's timeline, and the team has a link."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.plan import PlanSpec, StepSpec
from bonanca.notify.models import Message
from bonanca.reactions.tests.happening import LATER, again, entry, happen
from bonanca.recovery.events import ErasuresReapplied, ReviewAgreed, ReviewOpened
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db


def test_the_team_is_asked_once_and_the_timeline_tells_how_it_went(shop: Shop) -> None:
    incident = shop.open()
    context = {"incident_id": str(incident.id)}
    spec = PlanSpec("rollback", "service:loja-api", "back", (StepSpec("review", "recovery.review", {}),), context)
    run = start_plan(spec, actor=shop.ana, now=NOW, key="r")
    review = uuid4()
    opened = ReviewOpened(review, run.id, "loja-api", 3, context, LATER)
    happen(opened)
    asked = Message.objects.filter(body__contains=f"/reviews/{review}/")
    count = asked.count()
    assert count
    again(opened)
    assert asked.count() == count
    assert entry(incident.id, "waits for people: 3 points").at == LATER
    happen(ReviewAgreed(review, run.id, "loja-api", "Ana Souza", LATER))
    assert entry(incident.id, "Ana Souza ticked the last point")
    happen(ErasuresReapplied(run.id, "loja-api", 5, 2, context, LATER))
    assert entry(incident.id, "2 had come back")
