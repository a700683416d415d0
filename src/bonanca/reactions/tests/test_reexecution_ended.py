"""How much of what failed was made good is evidence."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from bonanca.aftercare.events import ReexecutionEnded
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.postmortems.queries import postmortem_of
from bonanca.reactions.tests.happening import LATER, again, entry, happen
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def ended(**changes: Any) -> ReexecutionEnded:
    facts = {"outcome": "done", "counts": {"done": 9, "already": 2, "failed": 1}, "error": "", "incident_id": None}
    return ReexecutionEnded(reexecution_id=uuid4(), service="loja-api", at=LATER, **{**facts, **changes})


def test_its_end_is_told_once(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    event = ended(incident_id=incident.id)
    happen(event)
    again(event)
    assert entry(incident.id, "Run again:").text == "Run again: 9 done, 2 were done already, 1 failed"


def test_one_that_stopped_says_what_is_left_and_why(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    counts = {"done": 3, "failed": 5, "chosen": 4}
    happen(ended(incident_id=incident.id, outcome="stopped", counts=counts, error="too many failed"))
    assert entry(incident.id, "stopped").text == "Running again stopped: 3 done, 5 failed, 4 left. too many failed"


def test_a_draft_is_made_again_and_none_is_made_before_its_time(shop: Shop) -> None:
    incident = shop.open(at=NOW)
    happen(ended(incident_id=incident.id))
    assert postmortem_of(incident.id) is None
    resolve_incident(incident.id, watch_for_h=0, actor=shop.ana, now=NOW)
    deliver(NOW)
    happen(ended(incident_id=incident.id))
    draft = postmortem_of(incident.id)
    assert draft is not None
    assert draft.drafted_at == LATER


def test_one_of_no_incident_touches_nothing(shop: Shop) -> None:
    happen(ended())
