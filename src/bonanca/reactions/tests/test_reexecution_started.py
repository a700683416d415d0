"""Whoever reads the incident knows that what failed is being made good."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from bonanca.aftercare.events import ReexecutionStarted
from bonanca.reactions.tests.happening import LATER, again, entry, happen, told
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db


def started(incident_id: UUID | None) -> ReexecutionStarted:
    return ReexecutionStarted(uuid4(), "loja-api", 12, "Beto Lima", LATER, incident_id)


def test_its_beginning_is_told_once(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    event = started(incident.id)
    happen(event)
    again(event)
    assert entry(incident.id, "run again").text == "Beto Lima has 12 failed things run again"


def test_without_an_incident_there_is_nobody_to_tell(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    happen(started(None))
    assert not [words for words in told(incident.id) if "run again" in words]
