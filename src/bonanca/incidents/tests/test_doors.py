"""The same verbs through page, buttons and API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.incidents import queries
from tests.support.loja import Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def act(verb: str) -> str:
    return reverse("incidents:act", args=[1, verb])


def test_an_incident_is_opened_and_led_through_the_api(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    made = post(client, "incidents", {"title": "Slow", "service": "loja-api", "severity": "high"})
    assert made.status_code == 201
    assert (made.json()["label"], made.json()["state"]) == ("INC-1", "detected")
    assert post(client, "incidents/1/acknowledge").json()["commander_email"] == "beto@loja.example"
    assert post(client, "incidents/1/notes", {"text": "looking"}).status_code == 204
    assert post(client, "incidents/1/severity", {"severity": "low", "reason": "few"}).json()["severity"] == "low"
    assert post(client, "incidents/1/commander", {"email": "ana@loja.example"}).json()["commander_name"] == "Ana Souza"
    kinds = [entry["kind"] for entry in client.get("/api/v1/incidents/1/timeline").json()]
    assert kinds == ["decision", "action", "note", "decision", "decision"]
    assert [i["number"] for i in client.get("/api/v1/incidents?open=true&service=loja-api").json()] == [1]
    for verb in ("resolve", "reopen", "resolve", "close"):
        assert post(client, f"incidents/1/{verb}", {"reason": "x"}).status_code == 200
    assert client.get("/api/v1/incidents?open=true").json() == []
    assert client.get("/api/v1/incidents/1").json()["state"] == "closed"
    assert client.get("/api/v1/incidents/1/suspects").json() == []


def test_the_api_refuses_with_a_status_and_a_field(client: Client, shop: Shop, member: Any, stranger: Any) -> None:
    incident = {"title": "Slow", "service": "loja-api", "severity": "high"}
    client.force_login(stranger)
    with nothing_happens():
        assert post(client, "incidents", incident).status_code == 403
    client.force_login(member)
    with nothing_happens():
        wrong = post(client, "incidents", {**incident, "severity": "meh"})
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "severity")
        assert post(client, "incidents", {**incident, "service": "nowhere"}).status_code == 404
        assert post(client, "incidents", {"title": "Slow"}).status_code == 422
        assert post(client, "incidents", {**incident, "started_at": "2026-03-12T10:00:00"}).status_code == 422
        assert post(client, "incidents/7/resolve").status_code == 404
    post(client, "incidents", incident)
    assert post(client, "incidents/1/close").status_code == 409


def test_pages_show_who_burns_and_buttons_move_it(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    assert client.get("/incidents/").status_code == 200
    opened = client.post("/incidents/new/", {"title": "Caixa <b>lento</b>", "service": "loja-api", "severity": "high"})
    assert (opened.status_code, opened.headers["Location"]) == (302, "/incidents/1/")
    shown = client.get("/incidents/1/").content.decode()
    assert "Caixa &lt;b&gt;lento&lt;/b&gt;" in shown
    assert "<b>lento</b>" not in shown
    for verb, given in [("acknowledge", {}), ("note", {"text": "olá"}), ("resolve", {"reason": "voltou"})]:
        assert client.post(act(verb), given).headers["Location"] == "/incidents/1/"
    assert queries.by_number(1).state == "resolved"
    for kind in ("note", "signal", "nonsense"):
        assert client.get(f"/incidents/1/?kind={kind}").status_code == 200


def test_a_form_keeps_what_was_typed_and_says_what_is_wrong(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    with nothing_happens():
        answer = client.post("/incidents/new/", {"title": " ", "service": "loja-api", "severity": "high"})
        assert answer.status_code == 422
        # It is another team's.
        other = client.post("/incidents/new/", {"title": "x", "service": "estoque-api", "severity": "high"})
        assert other.status_code == 422


def test_a_refused_button_is_said_on_the_page(client: Client, shop: Shop, member: Any, stranger: Any) -> None:
    shop.open()
    client.force_login(member)
    member.locale = "en"
    member.save()
    with nothing_happens():
        said = client.post(act("close"), follow=True)
        assert "INC-1 is detected: it cannot become closed." in said.content.decode()
        assert client.post(act("burn")).status_code == 404
        assert client.get(act("close")).status_code == 405
    client.force_login(stranger)
    with nothing_happens():
        assert client.post(act("resolve")).status_code == 403
        assert (
            client.post("/incidents/new/", {"title": "x", "service": "loja-api", "severity": "high"}).status_code == 422
        )
