"""A service begins to fail while everybody sleeps: an incident opens by itself and the person on call gets an e-mail.

The gateway's counters, the worker's own jobs, the outbox and a real SMTP server take part; nobody helps them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bonanca.incidents.queries import open_incidents, timeline
from bonanca.notify.operations.send_due import send_due
from bonanca.notify.tests.mail_server import MailServer
from bonanca.signals import worker
from bonanca.signals.tests.cast import T0, Counters
from tests.support.loja import Shop
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(settings: Any) -> Any:
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.stop()


def test_an_incident_opens_by_itself_and_somebody_is_woken(shop: Shop, mail: MailServer, client: Client) -> None:
    change = shop.deployed("v2", at=T0 + timedelta(seconds=50))
    counters = Counters()
    counters.scrape()
    counters.run(60)
    began = counters.at
    assert open_incidents() == ()

    # From one second to the next three of ten requests fail.
    counters.run(20, good=7, failed=3, each=worker.evaluate)
    deliver(counters.at)
    send_due(counters.at)
    deliver(counters.at)

    [incident] = open_incidents()
    assert incident.severity == "critical"
    assert abs((incident.started_at - began).total_seconds()) <= 1, "it began with the first failed request"
    assert (incident.detected_at - began).total_seconds() <= 20, "it was found in seconds"

    [woken] = mail.received
    assert woken["To"] == "ana@loja.example"
    assert woken["Subject"].startswith("[CRITICAL] INC-1 ")
    assert f"/incidents/{incident.number}/" in woken.get_content()

    told = " | ".join(entry.text for entry in timeline(incident.id))
    assert "Ana Souza is paged by e-mail" in told
    assert "accepted by the mail server" in told
    assert f"Suspected change: {change.title}" in told, "the change that came shortly before is named"

    public = client.get("/status/api/v2/summary.json").json()
    assert public["status"]["indicator"] == "critical", "customers read that it is not them"
