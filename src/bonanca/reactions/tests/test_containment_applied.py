"""A containment is told inside and outside, and the incident counts as contained."""

from __future__ import annotations

from typing import Any

import pytest

from bonanca.comms.queries import updates_of
from bonanca.incidents.operations.mark_contained import mark_contained
from bonanca.incidents.queries import get_incident
from bonanca.reactions.tests.happening import LATER, entry
from bonanca.response.operations.contain import contain
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def contained(shop: Shop, **changes: Any) -> Any:
    incident = shop.open()
    deliver(NOW)
    given = {"action": "disable", "match": "/checkout", "expires_in_s": 600, "reason": "charges twice"}
    contain(**{"incident_id": incident.id, "actor": shop.beto, "now": LATER, **given, **changes})
    return incident


def test_a_path_that_is_taken_out_is_told_with_who_and_how_long(shop: Shop) -> None:
    incident = contained(shop)
    deliver(LATER)
    found = entry(incident.id, "at the gateway")
    assert found.text == "Beto Lima took /checkout out at the gateway for 10 min: charges twice"
    after = get_incident(incident.id)
    assert (after.state, after.contained_at) == ("contained", LATER)
    assert [update.state for update in updates_of(incident.id)] == ["identified", "investigating"]


def test_maintenance_of_the_whole_service_is_told_as_such(shop: Shop) -> None:
    incident = contained(shop, action="maintenance", match="")
    deliver(LATER)
    assert entry(incident.id, "put the whole service into maintenance for 10 min")


def test_an_incident_that_is_contained_already_stays_so(shop: Shop) -> None:
    incident = contained(shop)
    mark_contained(incident.id, actor=shop.ana, now=NOW)
    deliver(LATER)
    assert get_incident(incident.id).contained_at == NOW
