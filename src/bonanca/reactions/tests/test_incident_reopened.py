"""The public does not go on reading that it is over."""

from __future__ import annotations

import pytest

from bonanca.comms.queries import status_page
from bonanca.incidents.operations.reopen_incident import reopen_incident
from bonanca.incidents.operations.resolve_incident import resolve_incident
from bonanca.reactions.tests.happening import LATER
from tests.support.loja import NOW, Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


def test_what_burns_again_is_said_to_burn(shop: Shop) -> None:
    incident = shop.open()
    deliver(NOW)
    resolve_incident(incident.id, actor=shop.ana, now=NOW)
    deliver(NOW)
    reopen_incident(incident.id, actor=shop.ana, now=LATER)
    deliver(LATER)
    [current] = status_page(LATER).current
    assert (current.state, current.updates[0].at) == ("investigating", LATER)
