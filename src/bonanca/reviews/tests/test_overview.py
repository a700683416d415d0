"""The overview: every service in one row, at a price that does not grow with what has happened."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bonanca.access.models import User
from tests.support.loja import NOW, Shop

pytestmark = pytest.mark.django_db

MOST_QUERIES = 40


def test_it_shows_what_burns_and_every_service(shop: Shop, client: Client, owner: User) -> None:
    owner.locale = "en"
    owner.save()
    client.force_login(owner)
    assert "Nothing burns." in client.get("/").content.decode()
    shop.deployed()
    shop.open()
    text = client.get("/").content.decode()
    assert "data-panel-error" not in text
    for words in ("Checkouts fail", "SEV1", "loja-api", "estoque-api", "v2", "Ana Souza", "nobody"):
        assert words in text


def test_more_incidents_and_changes_cost_no_more_queries(shop: Shop, client: Client, owner: User) -> None:
    client.force_login(owner)
    shop.deployed()
    shop.open()
    before = _price(client)
    shop.deployed("v3", at=NOW + timedelta(minutes=1))
    for number in range(10):
        shop.open(title=f"Trouble {number}")
    assert _price(client) == before <= MOST_QUERIES


def test_an_empty_installation_says_how_to_begin(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "bonanca apply bonanca.yaml" in client.get("/").content.decode()


def _price(client: Client) -> int:
    with CaptureQueriesContext(connection) as spent:
        assert client.get("/").status_code == 200
    return len(spent)
