"""The incident's page: whole, in both languages, for those who may and those who may not, at a steady price."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bonanca.access.models import User
from bonanca.delivery.queries import suspects_for
from bonanca.incidents.operations.record_timeline import add_note
from bonanca.incidents.operations.set_suspects import set_suspects
from tests.support.loja import NOW, SLUG, Shop

pytestmark = pytest.mark.django_db

MOST_QUERIES = 40


@pytest.fixture
def browser(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def test_the_page_says_what_burns_what_changed_what_to_do_and_what_was_told(shop: Shop, browser: Client) -> None:
    shop.deployed(at=NOW - timedelta(minutes=2))
    opened = shop.open()
    set_suspects(opened.id, suspects_for(SLUG, opened.started_at), actor=shop.system, now=NOW)
    owner = User.objects.get(email="ana@loja.example")
    for locale, words in (
        ("en", ("What burns", "What changed", "Roll back v2…", "I am on it", "Timeline", "it changed the service")),
        ("pt-br", ("O que queima", "O que mudou", "Reverter v2…", "Assumir", "Linha do tempo", "mudou o serviço")),
    ):
        owner.locale = locale
        owner.save()
        text = browser.get("/incidents/1/").content.decode()
        assert "data-panel-error" not in text
        for word in words:
            assert word in text


def test_who_may_only_look_gets_no_buttons(shop: Shop, client: Client, stranger: User) -> None:
    shop.open()
    client.force_login(stranger)
    text = client.get("/incidents/1/").content.decode()
    assert "Checkouts fail" in text
    assert "/do/" not in text
    assert "/contain/" not in text


def test_a_longer_story_costs_no_more_queries(shop: Shop, browser: Client) -> None:
    shop.deployed(at=NOW - timedelta(minutes=2))
    opened = shop.open()
    set_suspects(opened.id, suspects_for(SLUG, opened.started_at), actor=shop.system, now=NOW)
    short = _price(browser, "/incidents/1/")
    for number in range(25):
        add_note(opened.id, text=f"note {number}", actor=shop.ana, now=NOW + timedelta(seconds=number))
    assert _price(browser, "/incidents/1/") == short <= MOST_QUERIES


def test_a_live_part_costs_less_than_the_page(shop: Shop, browser: Client) -> None:
    shop.open()
    whole = _price(browser, "/incidents/1/")
    for part in ("head", "done", "told", "entries", "suspected", "burns_body", "after"):
        assert _price(browser, "/incidents/1/", part) < whole


def test_forms_act_and_come_back(shop: Shop, browser: Client) -> None:
    shop.open()
    assert browser.post("/incidents/1/do/acknowledge/").headers["Location"] == "/incidents/1/"
    assert browser.post("/incidents/1/do/note/", {"text": "Seen in the log."}).status_code == 302
    text = browser.get("/incidents/1/?kind=note").content.decode()
    assert "Seen in the log." in text
    assert browser.post("/incidents/1/do/nothing/").status_code == 404
    # The addresses of other rooms below an incident are theirs.
    assert browser.get("/incidents/1/contain/").status_code == 200
    assert browser.post("/incidents/1/updates/", {"state": "monitoring", "text": "Soon."}).status_code == 302


def test_an_empty_form_is_refused_beside_its_fields(shop: Shop, browser: Client) -> None:
    answer = browser.post("/incidents/new/", {"title": "", "service": SLUG, "severity": "high"})
    assert answer.status_code == 422
    assert "error-summary" in answer.content.decode()


def _price(browser: Client, path: str, part: str = "") -> int:
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    with CaptureQueriesContext(connection) as spent:
        answer = browser.get(path, headers=headers)
    assert answer.status_code == 200
    return len(spent)
