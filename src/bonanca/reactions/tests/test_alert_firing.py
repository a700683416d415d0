"""An alert opens the incident of its service, or joins the one that is open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bonanca.incidents.queries import open_incidents
from bonanca.notify.queries import messages as ledger
from bonanca.reactions.tests.happening import LATER, again, entry, firing, happen
from tests.support.loja import NOW, Shop
from tests.support.traces import events

pytestmark = pytest.mark.django_db


def test_an_alert_opens_an_incident_from_its_measured_start(shop: Shop) -> None:
    alert = firing()
    happen(alert)
    [incident] = open_incidents()
    assert (incident.title, incident.severity, incident.source) == (alert.summary, "critical", "alert")
    assert (incident.started_at, incident.detected_at, incident.alert_id) == (NOW, LATER, alert.alert_id)
    assert entry(incident.id, f"Alert: {alert.summary}").kind == "signal"


def test_the_same_event_twice_is_one_incident_and_one_entry(shop: Shop) -> None:
    alert = firing()
    happen(alert)
    again(alert)
    [incident] = open_incidents()
    assert entry(incident.id, "Alert: ")
    assert len(events("incidents.incident.opened")) == 1


def test_another_alert_is_told_on_the_open_incident(shop: Shop) -> None:
    happen(firing())
    happen(firing(fingerprint="f2", summary="The database is slow"))
    [incident] = open_incidents()
    assert entry(incident.id, "The database is slow")


def test_an_alert_about_nothing_that_we_know_opens_nothing(shop: Shop) -> None:
    happen(firing(service="nowhere"))
    happen(firing(service=""))
    assert open_incidents() == ()


@pytest.mark.parametrize("summary", ["x" * 300, " ", ""])
def test_words_of_any_length_open_an_incident(shop: Shop, summary: str) -> None:
    happen(firing(summary=summary))
    [incident] = open_incidents()
    assert 0 < len(incident.title) <= 200


def test_a_clock_that_is_ahead_does_not_keep_it_from_opening(shop: Shop) -> None:
    happen(firing(starts_at=LATER + timedelta(minutes=1)))
    assert open_incidents()[0].started_at == LATER


def test_a_drill_that_fails_is_a_letter_and_no_incident(shop: Shop) -> None:
    alert = firing(door="readiness", severity="medium", summary="loja-api: the last restore for proof failed")
    happen(alert)
    again(alert)
    assert open_incidents() == ()
    [letter] = ledger()
    assert (letter.purpose, letter.key) == ("internal", f"readiness:{alert.alert_id}")
    assert letter.subject == "[MEDIUM] loja-api: the last restore for proof failed"
    assert "/backups/loja-api/" in letter.body


def test_the_letter_about_a_contingency_leads_to_it(shop: Shop) -> None:
    happen(firing(door="readiness", severity="low", summary="x", labels={"contingency": "papel"}))
    [letter] = ledger()
    assert "/contingencies/loja-api/papel/" in letter.body
