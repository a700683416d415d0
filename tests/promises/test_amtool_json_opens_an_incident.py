"""Whoever already has Alertmanager points it here: the JSON that `amtool` and Prometheus send opens an incident."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from bonanca.access.models import ApiToken
from bonanca.access.tokens import digest
from bonanca.incidents.queries import open_incidents, timeline
from bonanca.notify.queries import messages
from tests.support.loja import Shop
from tests.support.traces import deliver, nothing_happens

pytestmark = pytest.mark.django_db
SECRET = "bnc_" + "p" * 40


def amtool(client: Client, secret: str = SECRET, **changes: Any) -> int:
    """Send what `amtool alert add` sends; return the HTTP status."""
    alert = {
        "labels": {"alertname": "CheckoutErrors", "service": "loja-api", "severity": "critical"},
        "annotations": {"summary": "Checkout fails for one visitor in three"},
        "startsAt": (datetime.now(UTC) - timedelta(minutes=2)).isoformat(),
        "generatorURL": "http://prometheus.example/graph",
    }
    answer = client.post(
        "/api/v2/alerts",
        json.dumps([{**alert, **changes}]),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    deliver(datetime.now(UTC))
    return answer.status_code


@pytest.fixture(autouse=True)
def token(shop: Shop) -> None:
    ApiToken.objects.create(
        name="prometheus", prefix=SECRET[:8], digest=digest(SECRET), scope="alerts", created_at=datetime.now(UTC)
    )
    deliver(datetime.now(UTC))


def test_it_opens_an_incident_and_pages(client: Client) -> None:
    assert amtool(client) == 200
    [incident] = open_incidents()
    assert (incident.title, incident.severity) == ("Checkout fails for one visitor in three", "critical")
    assert (incident.detected_at - incident.started_at).total_seconds() == pytest.approx(120, abs=10)
    assert [message.to for message in messages(prefix="page:")] == ["ana@loja.example"]


def test_sending_it_again_and_again_is_one_incident_and_one_page(client: Client) -> None:
    started = datetime.now(UTC).isoformat()
    for _ in range(3):
        assert amtool(client, startsAt=started) == 200
    assert len(open_incidents()) == len(messages(prefix="page:")) == 1


def test_its_end_is_told_and_the_incident_stays_a_persons_to_resolve(client: Client) -> None:
    amtool(client)
    amtool(client, endsAt=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
    [incident] = open_incidents()
    assert "Alert ended: Checkout fails" in " | ".join(entry.text for entry in timeline(incident.id))


def test_an_alert_about_a_service_that_nobody_declared_is_kept_and_opens_nothing(client: Client) -> None:
    assert amtool(client, labels={"alertname": "Disk", "service": "nowhere"}) == 200
    assert open_incidents() == ()


def test_a_wrong_token_changes_nothing(client: Client) -> None:
    with nothing_happens():
        assert amtool(client, "bnc_wrong") == 401
