"""A contingency that has started is on the timeline of the service's incident, once; an exercise is not."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from bonanca.reactions.tests.happening import LATER, again, entry, happen, told
from bonanca.risks.events import ContingencyStarted
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


def test_the_timeline_of_the_open_incident_has_it(shop: Shop) -> None:
    incident = shop.open()
    event = ContingencyStarted(
        uuid4(), "loja-api", "papel", "Vender no papel", False, None, "o checkout caiu", "Beto", LATER
    )
    happen(event)
    assert "Vender no papel" in entry(incident.id, "Beto began the contingency").text
    before = len(told(incident.id))
    again(event)
    happen(replace(event, use_id=uuid4(), exercise=True))
    assert len(told(incident.id)) == before
