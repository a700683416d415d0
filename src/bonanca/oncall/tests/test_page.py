"""Somebody is woken: once, in their language, and if there is nobody, that is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.spec import Catalog, MemberSpec, TeamSpec
from bonanca.kernel import audit
from bonanca.kernel.errors import NotAllowed, NotFound
from bonanca.notify.queries import messages
from bonanca.oncall.operations.acknowledge_pages import acknowledge_pages
from bonanca.oncall.operations.page import page
from bonanca.oncall.operations.record_delivery import record_delivery
from bonanca.oncall.queries import PageView, pages_of, who_is_on_call
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db
INCIDENT = uuid4()
LATER = NOW + timedelta(seconds=3)

ANA = MemberSpec("ana@loja.example", "Ana Souza", "commander", "pt-br")
BETO = MemberSpec("beto@loja.example", "Beto Lima", "responder", "en")


def on_call(shop: Shop, *emails: str) -> None:
    team = TeamSpec("loja", "Time da Loja", (ANA, BETO), emails)
    apply_catalog(Catalog(teams=(team,)), source="test", actor=SYSTEM("test"), now=NOW)


def wake(**changes: Any) -> PageView | None:
    given = {"number": 7, "title": "Checkouts fail", "severity": "critical", "team": "loja", "actor": SYSTEM("oncall")}
    return page(**{"incident_id": INCIDENT, **given, **changes}, now=NOW)


def test_the_person_on_call_is_paged_through_the_ledger(shop: Shop) -> None:
    woken = wake()
    assert woken is not None
    assert (woken.email, woken.name, woken.created_at, woken.delivered_at) == (
        "ana@loja.example",
        "Ana Souza",
        NOW,
        None,
    )
    [message] = messages(prefix="page:")
    assert (message.to, message.purpose, message.subject) == (
        "ana@loja.example",
        "page",
        "[CRITICAL] INC-7 Checkouts fail",
    )
    assert "http://127.0.0.1:8000/incidents/7/" in message.body
    [event] = events("oncall.page.sent")
    assert (event["page_id"], event["name"]) == (str(woken.id), "Ana Souza")
    [sealed] = audit.history(f"incident:{INCIDENT}")
    assert (sealed.action, sealed.facts["email"]) == ("oncall.paged", "ana@loja.example")


def test_the_same_incident_wakes_a_person_once(shop: Shop) -> None:
    first = wake()
    with nothing_happens():
        assert wake(title="Still failing") == first
    assert wake(incident_id=uuid4()) != first


def test_the_first_who_is_a_member_is_reached_first(shop: Shop) -> None:
    on_call(shop, "BETO@loja.example", "ana@loja.example")
    found = who_is_on_call("loja", NOW)
    assert found is not None
    assert (found.email, found.name) == ("beto@loja.example", "Beto Lima")
    woken = wake()
    assert woken is not None
    assert woken.name == "Beto Lima"


def test_nobody_on_call_is_an_event(shop: Shop) -> None:
    on_call(shop)
    assert wake() is None
    assert messages() == pages_of(INCIDENT) == ()
    [event] = events("oncall.nobody_on_call")
    assert event == {"incident_id": str(INCIDENT), "team": "loja"}


def test_the_words_are_in_the_persons_language(shop: Shop) -> None:
    from bonanca.oncall.operations.page import _words
    from bonanca.oncall.queries import OnCallPerson

    ana = OnCallPerson("ana@loja.example", "Ana Souza", "pt-br", "UTC")
    _, english = _words(replace(ana, locale="en"), 7, "Checkouts fail", "high")
    _, portuguese = _words(ana, 7, "Checkouts fail", "high")
    assert "Ana Souza, you are on call." in english
    assert "you are on call" not in portuguese
    assert portuguese.startswith("Ana Souza, ")


def test_a_title_cannot_forge_headers_or_placeholders(shop: Shop) -> None:
    wake(title="100%(name)s\r\nBcc: all@loja.example\n\nClick here")
    [message] = messages(prefix="page:")
    assert message.subject == "[CRITICAL] INC-7 100%(name)s Bcc: all@loja.example Click here"


def test_who_may_not_act_for_the_team_wakes_nobody(shop: Shop) -> None:
    with nothing_happens():
        for outsider in shop.outsiders:
            with pytest.raises(NotAllowed):
                wake(actor=outsider)
        with pytest.raises(NotFound):
            wake(team="nowhere")


def test_delivery_is_recorded_once(shop: Shop) -> None:
    woken = wake()
    assert woken is not None
    key = messages(prefix="page:")[0].key
    assert record_delivery(key, at=LATER, now=LATER)
    with nothing_happens():
        assert not record_delivery(key, at=LATER + timedelta(hours=1), now=LATER)
        assert not record_delivery("update:1", at=LATER, now=LATER)
    assert [p.delivered_at for p in pages_of(INCIDENT)] == [LATER]
    assert [event["page_id"] for event in events("oncall.page.delivered")] == [str(woken.id)]


def test_an_answer_is_the_first_one(shop: Shop) -> None:
    wake()
    assert acknowledge_pages(INCIDENT, now=LATER) == 1
    with nothing_happens():
        assert acknowledge_pages(INCIDENT, now=LATER + timedelta(hours=1)) == 0
        assert acknowledge_pages(uuid4(), now=LATER) == 0
    assert [p.acknowledged_at for p in pages_of(INCIDENT)] == [LATER]


@pytest.mark.django_db(transaction=True)
def test_two_workers_wake_a_person_once(shop: Shop) -> None:
    first, second = together(wake, wake)
    assert first == second
    assert len(messages()) == len(events("oncall.page.sent")) == 1
