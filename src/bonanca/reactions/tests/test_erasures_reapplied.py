"""How many had come back is on the incident's timeline."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bonanca.reactions.tests.happening import LATER, again, entry, happen, told
from bonanca.recovery.events import ErasuresReapplied
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


def test_the_timeline_has_the_numbers_once(shop: Shop) -> None:
    incident = shop.open()
    event = ErasuresReapplied(uuid4(), "loja-api", 5, 2, {"incident_id": str(incident.id)}, LATER)
    happen(event)
    assert entry(incident.id, "2 had come back")
    before = len(told(incident.id))
    again(event)
    assert len(told(incident.id)) == before
