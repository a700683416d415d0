"""Who decided what is on the timeline of the incident that it is about."""

from __future__ import annotations

import pytest

from bonanca.reactions.tests.happening import entry, told
from bonanca.response.operations.approve_plan import approve_plan
from bonanca.response.tests.plans import LATER, proposed
from tests.support.loja import Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def test_an_approval_is_told_with_its_name(shop: Shop) -> None:
    incident = shop.open()
    plan = proposed(shop, incident_id=incident.id)
    approve_plan(plan.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    found = entry(incident.id, "approved")
    assert (found.text, found.kind) == ("Ana Souza approved: Loja back to before v2", "decision")


def test_a_plan_about_no_incident_is_told_to_none(shop: Shop) -> None:
    incident = shop.open()
    approve_plan(proposed(shop).id, actor=shop.ana, now=LATER)
    deliver(LATER)
    assert not any("approved" in words for words in told(incident.id))
