"""The end of an alert is told; whether the incident is over is for a person to say."""

from __future__ import annotations

import pytest

from bonanca.incidents.queries import open_incidents
from bonanca.reactions.tests.happening import again, entry, firing, happen, resolved
from tests.support.loja import Shop
from tests.support.traces import events

pytestmark = pytest.mark.django_db


def test_the_end_of_an_alert_is_on_the_timeline_once(shop: Shop) -> None:
    alert = firing()
    happen(alert)
    happen(resolved(alert))
    again(resolved(alert))
    [incident] = open_incidents()
    assert entry(incident.id, "Alert ended: ").kind == "signal"
    assert events("incidents.incident.resolved") == []


def test_without_an_incident_there_is_nobody_to_tell(shop: Shop) -> None:
    happen(resolved(firing()))
    happen(resolved(firing(service="")))
    assert open_incidents() == ()
