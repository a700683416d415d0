"""Somebody asks for a rollback: the people concerned and the timeline know, each once."""

from __future__ import annotations

import pytest

from bonanca.notify.models import Message
from bonanca.reactions.tests.happening import LATER, entry
from bonanca.response.tests.plans import proposed
from tests.support.loja import Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def test_a_rollback_that_is_asked_for_is_told_to_people_and_to_the_timeline(shop: Shop) -> None:
    incident = shop.open()
    proposed(shop, incident_id=incident.id, reason="prices are wrong")
    deliver(LATER)
    assert entry(incident.id, "asks for a rollback").text.endswith("asks for a rollback: Loja back to before v2")
    told = Message.objects.filter(subject__startswith="[Loja]")
    assert sorted(told.values_list("to", flat=True)) == ["ana@loja.example", "beto@loja.example"]
