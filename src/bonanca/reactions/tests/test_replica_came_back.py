"""The alert of a replica ends when it is back; the incident is for a person to resolve."""

from __future__ import annotations

import pytest

from bonanca.incidents.queries import open_incidents
from bonanca.reactions.tests.happening import again, happen
from bonanca.reactions.tests.test_replica_gave_up import GAVE_UP
from bonanca.response.events import ReplicaCameBack
from bonanca.signals.queries import alerts
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db


def test_its_alert_ends_once_and_no_other(shop: Shop) -> None:
    happen(GAVE_UP)
    happen(ReplicaCameBack("loja-api", "loja-api-9102", False, NOW))
    assert len(alerts(state="firing")) == 1
    back = ReplicaCameBack("loja-api", "loja-api-9101", False, NOW)
    happen(back)
    again(back)
    assert alerts(state="firing") == ()
    assert len(open_incidents()) == 1
