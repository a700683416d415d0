"""Telling the public: a commander, or the house by itself; each thing once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from bonanca.access.actors import SYSTEM
from bonanca.comms.models import StatusUpdate
from bonanca.comms.operations.publish_update import INVESTIGATING, MAX_TEXT, publish_update
from bonanca.comms.queries import updates_of
from bonanca.kernel import audit
from bonanca.kernel.errors import Invalid, NotAllowed, NotFound
from tests.support.loja import NOW, Shop
from tests.support.traces import events, nothing_happens, together

pytestmark = pytest.mark.django_db


def test_a_commander_tells_it_in_their_own_words(shop: Shop) -> None:
    found = shop.open()
    told = publish_update(found.id, state="investigating", text=" Estamos vendo. ", actor=shop.ana, now=NOW)
    [update] = updates_of(found.id)
    assert (update.id, update.text, update.state, update.at) == (told, "Estamos vendo.", "investigating", NOW)
    [event] = events("comms.update.published")
    assert (event["service"], event["text"]) == ("loja-api", "Estamos vendo.")
    assert audit.history(f"incident:{found.id}")[-1].action == "comms.update.published"


def test_the_house_tells_each_thing_once(shop: Shop) -> None:
    found = shop.open()
    told = {"state": "investigating", "text": INVESTIGATING, "key": "opened", "actor": SYSTEM("comms")}
    assert publish_update(found.id, **told, now=NOW) is not None
    with nothing_happens():
        assert publish_update(found.id, **told, now=NOW) is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [({"state": "burning"}, "state"), ({"text": " "}, "text"), ({"text": "x" * (MAX_TEXT + 1)}, "text")],
)
def test_what_cannot_be_published_is_refused_by_field(shop: Shop, facts: dict[str, str], field: str) -> None:
    found = shop.open()
    with nothing_happens(), pytest.raises(Invalid) as refused:
        publish_update(found.id, **{"state": "resolved", "text": "x", **facts}, actor=shop.ana, now=NOW)
    assert refused.value.field == field


def test_only_a_commander_speaks_for_the_house(shop: Shop) -> None:
    found = shop.open()
    with nothing_happens():
        for who in (shop.beto, *shop.outsiders):
            with pytest.raises(NotAllowed):
                publish_update(found.id, state="resolved", text="x", actor=who, now=NOW)
        with pytest.raises(NotFound):
            publish_update(uuid4(), state="resolved", text="x", actor=shop.ana, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_it_once(shop: Shop) -> None:
    found = shop.open()

    def tell() -> object:
        return publish_update(
            found.id, state="investigating", text=INVESTIGATING, key="opened", actor=SYSTEM("comms"), now=NOW
        )

    outcomes = together(tell, tell)
    assert sorted(outcome is None for outcome in outcomes) == [False, True]
    assert StatusUpdate.objects.count() == len(events("comms.update.published")) == 1


def test_the_page_and_the_api_publish(client: Client, shop: Shop, owner: Any, member: Any) -> None:
    found = shop.open()
    client.force_login(owner)
    body = {"state": "identified", "text": "É o caixa."}
    assert client.post("/incidents/1/updates/", body).status_code == 302
    made = client.post("/api/v1/incidents/1/updates", body, content_type="application/json")
    assert (made.status_code, made.json()["id"]) == (201, str(updates_of(found.id)[0].id))
    with nothing_happens():
        wrong = client.post("/api/v1/incidents/1/updates", {**body, "state": "x"}, content_type="application/json")
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "state")
        client.post("/incidents/1/updates/", {**body, "text": " "})
    client.force_login(member)
    with nothing_happens():
        assert client.post("/incidents/1/updates/", body).status_code == 403
        assert client.post("/api/v1/incidents/1/updates", body, content_type="application/json").status_code == 403
