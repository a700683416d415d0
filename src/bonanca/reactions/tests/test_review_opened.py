"""A return of data that waits for people is on the incident's timeline, and the team has a link."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bonanca.notify.models import Message
from bonanca.reactions.tests.happening import LATER, again, entry, happen
from bonanca.recovery.events import ReviewOpened
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


def test_the_team_is_asked_once_and_the_timeline_says_that_it_waits(shop: Shop) -> None:
    incident, review = shop.open(), uuid4()
    opened = ReviewOpened(review, uuid4(), "loja-api", 3, {"incident_id": str(incident.id)}, LATER)
    happen(opened)
    asked = Message.objects.filter(body__contains=f"/reviews/{review}/")
    count = asked.count()
    assert count
    again(opened)
    assert asked.count() == count
    assert entry(incident.id, "waits for people: 3 points").at == LATER
