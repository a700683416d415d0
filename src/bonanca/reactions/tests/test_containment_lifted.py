"""How a containment ended is on the timeline."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.incidents.queries import get_incident
from bonanca.reactions.tests.happening import LATER, entry
from bonanca.response.operations.contain import contain
from bonanca.response.operations.undo_containment import expire_containments, undo_containment
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("match", "what"), [("/checkout", "/checkout"), ("", "loja-api")])
def test_who_lifted_it_is_told(shop: Shop, match: str, what: str) -> None:
    incident = shop.open()
    action = "disable" if match else "maintenance"
    given = {"match": match, "expires_in_s": 600, "reason": "x", "actor": shop.beto, "now": NOW}
    made = contain(incident_id=incident.id, action=action, **given)
    undo_containment(made.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    assert entry(incident.id, "lifted").text == f"Ana Souza lifted the containment of {what}"


def test_that_it_ended_by_itself_is_told(shop: Shop) -> None:
    incident = shop.open()
    given = {"match": "/cart", "expires_in_s": 60, "reason": "x", "actor": shop.beto, "now": NOW}
    contain(incident_id=incident.id, action="disable", **given)
    expire_containments(NOW + timedelta(minutes=2))
    deliver(LATER)
    assert entry(incident.id, "expired").text == "The containment of /cart has expired"


def test_the_last_containment_that_ends_leaves_the_incident_burning(shop: Shop) -> None:
    incident = shop.open()
    given = {"expires_in_s": 600, "reason": "x", "actor": shop.beto, "now": NOW}
    first = contain(incident_id=incident.id, action="disable", match="/checkout", **given)
    second = contain(incident_id=incident.id, action="disable", match="/cart", **given)
    deliver(NOW)
    undo_containment(first.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    assert get_incident(incident.id).state == "contained"
    undo_containment(second.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    assert get_incident(incident.id).state == "acknowledged"


def test_what_a_recovery_lifts_does_not_make_it_burn_again(shop: Shop) -> None:
    incident = shop.open()
    given = {"match": "/cart", "expires_in_s": 600, "reason": "x", "actor": shop.beto, "now": NOW}
    made = contain(incident_id=incident.id, action="disable", **given)
    deliver(NOW)
    undo_containment(made.id, actor=SYSTEM("rollback"), now=LATER)
    deliver(LATER)
    assert get_incident(incident.id).state == "contained"
