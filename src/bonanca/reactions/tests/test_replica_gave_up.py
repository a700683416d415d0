"""A replica that is given up opens the service's incident, once."""

from __future__ import annotations

import pytest

from bonanca.incidents.queries import open_incidents
from bonanca.reactions.tests.happening import again, happen
from bonanca.response.events import ReplicaGaveUp
from bonanca.signals.queries import alerts
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db
GAVE_UP = ReplicaGaveUp("loja-api", "loja-api-9101", True, 5, 300.0, "it has ended", NOW)


def test_it_is_an_alert_like_any_other(shop: Shop) -> None:
    happen(GAVE_UP)
    again(GAVE_UP)
    [alert] = alerts(state="firing")
    assert (alert.door, alert.severity, alert.evidence["error"]) == ("supervision", "critical", "it has ended")
    [incident] = open_incidents()
    assert "loja-api-9101 was given up: it failed again after 5 restarts in 5 min" in incident.title
