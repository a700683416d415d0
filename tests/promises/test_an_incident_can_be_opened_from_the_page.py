"""Somebody hears of a failure before any alert does: three answers on a page open the incident, in ten seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.incidents.queries import open_incidents
from bonanca.notify.queries import messages
from bonanca.oncall.queries import pages_of
from tests.support.loja import Shop
from tests.support.traces import deliver, nothing_happens

pytestmark = pytest.mark.django_db
ANSWERS = {"title": "O caixa cobra duas vezes", "service": "loja-api", "severity": "critical"}


def test_an_incident_can_be_opened_from_the_page(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    form = client.get(reverse("incidents:new")).content.decode()
    assert all(f'name="{name}"' in form for name in ANSWERS)

    went = client.post(reverse("incidents:new"), ANSWERS)
    assert went.headers["Location"] == reverse("incidents:incident", args=[1])
    deliver(datetime.now(UTC))

    [incident] = open_incidents()
    assert (incident.title, incident.severity, incident.source) == (ANSWERS["title"], "critical", "person")
    assert [message.to for message in messages(prefix="page:")] == ["ana@loja.example"]
    assert ANSWERS["title"] in client.get(went.headers["Location"]).content.decode()

    # Who took it on leads it, and the page has its answer.
    client.post(reverse("incidents:act", args=[1, "acknowledge"]))
    deliver(datetime.now(UTC))
    assert open_incidents()[0].commander_name == "Beto Lima"
    assert [page.acknowledged_at is not None for page in pages_of(incident.id)] == [True]


def test_what_is_missing_is_said_and_what_was_typed_stays(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    with nothing_happens():
        refused = client.post(reverse("incidents:new"), {**ANSWERS, "severity": "", "title": "O caixa cobra"})
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["severity"]
    assert "O caixa cobra" in refused.content.decode()


def test_who_is_not_of_the_team_opens_nothing_of_it(client: Client, shop: Shop, stranger: Any) -> None:
    client.force_login(stranger)
    with nothing_happens():
        assert client.post(reverse("incidents:new"), ANSWERS).status_code in (403, 422)
    client.logout()
    with nothing_happens():
        assert client.post(reverse("incidents:new"), ANSWERS).status_code == 302  # to the login
