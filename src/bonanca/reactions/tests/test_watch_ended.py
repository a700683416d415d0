"""How a closer look ended is evidence: on the timeline, and in the draft that was made before."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from bonanca.aftercare.events import WatchEnded
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.postmortems.queries import postmortem_of
from bonanca.reactions.tests.happening import LATER, again, entry, happen
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db
CALM = {"text": "nothing came back: %(failed)s of %(requests)s requests failed, %(checks)s checks asked", "facts": {}}


def ended(incident_id: UUID | None, outcome: str, words: Any) -> WatchEnded:
    return WatchEnded(uuid4(), "loja-api", outcome, words, LATER, "Beto Lima", incident_id)


@pytest.mark.parametrize(
    ("outcome", "words", "told"),
    [
        ("calm", {**CALM, "facts": {"failed": 1, "requests": 9, "checks": 2}}, "over: nothing came back: 1 of 9"),
        ("returned", "the budget burns", "found that it is back: the budget burns"),
        ("ended", "load test", "Beto Lima ended the closer look: load test"),
    ],
)
def test_its_end_is_told_once(shop: Shop, outcome: str, words: Any, told: str) -> None:
    incident = shop.open(at=NOW)
    event = ended(incident.id, outcome, words)
    happen(event)
    again(event)
    assert entry(incident.id, told).at == LATER


def test_a_draft_is_made_again_and_none_is_made_before_its_time(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    happen(ended(incident.id, "calm", "calm"))
    assert postmortem_of(incident.id) is None
    resolve_incident(incident.id, watch_for_h=0, actor=shop.ana, now=NOW)
    deliver(NOW)
    happen(ended(incident.id, "calm", "calm"))
    draft = postmortem_of(incident.id)
    assert draft is not None
    assert draft.drafted_at == LATER


def test_one_of_no_incident_touches_nothing(shop: Shop) -> None:
    happen(ended(None, "calm", "calm"))
