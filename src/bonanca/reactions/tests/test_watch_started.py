"""Whoever reads the incident knows that its service is watched closer, and for how long."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from bonanca.aftercare.events import WatchStarted
from bonanca.reactions.tests.happening import LATER, again, entry, happen, told
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db


def started(incident_id: UUID | None, *, extended: bool = False) -> WatchStarted:
    until = LATER + timedelta(hours=24)
    return WatchStarted(uuid4(), "loja-api", "incident", until, 0.5, LATER, incident_id, extended=extended)


def test_its_beginning_is_told_once(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    event = started(incident.id)
    happen(event)
    again(event)
    assert (
        entry(incident.id, "Watched closer").text == "Watched closer for 24 h: alerts at 50 % of the usual burn rates"
    )


def test_one_that_was_made_longer_says_so(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    happen(started(incident.id, extended=True))
    assert entry(incident.id, "Watched closer for another").at == LATER


def test_without_an_incident_there_is_nobody_to_tell(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    before = told(incident.id)
    happen(started(None))
    assert [words for words in told(incident.id) if "Watched" in words] == [w for w in before if "Watched" in w]
