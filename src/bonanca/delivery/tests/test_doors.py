"""Changes through API and pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.support.loja import Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
CHANGE = {"service": "loja-api", "version": "v2", "title": "Customer week"}


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def test_a_change_is_proposed_and_looked_at_through_the_api(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    made = post(client, "changes", CHANGE)
    assert (made.status_code, made.json()["label"]) == (201, "CHG-1")
    assert [gate["name"] for gate in made.json()["gates"]] == ["budget", "previous_version", "backup"]
    assert made.json()["gates"][0]["words"]
    assert [change["number"] for change in client.get("/api/v1/changes?service=loja-api").json()] == [1]
    assert client.get("/api/v1/changes/1").json()["to_sha"] == shop.sha("v2")
    assert post(client, "changes/1/gates").status_code == 200
    assert client.get("/api/v1/changes/2").status_code == 404


def test_the_api_refuses_in_words(client: Client, shop: Shop, member: Any, stranger: Any) -> None:
    client.force_login(member)
    with nothing_happens():
        unknown = post(client, "changes", {**CHANGE, "version": "v9"})
        assert (unknown.status_code, "v9" in unknown.json()["error"]["message"]) == (404, True)
        assert post(client, "changes", {**CHANGE, "version": "v1"}).status_code == 422
        assert post(client, "changes", {**CHANGE, "version": "-x"}).status_code == 422
        assert post(client, "changes", {**CHANGE, "version": "v" * 5000}).status_code in (404, 422)
    client.force_login(stranger)
    with nothing_happens():
        assert post(client, "changes", CHANGE).status_code == 403


def test_the_form_proposes_or_says_at_the_field_why_not(client: Client, shop: Shop, member: Any) -> None:
    client.force_login(member)
    assert client.get("/changes/new/").status_code == 200
    with nothing_happens():
        wrong = client.post("/changes/new/", {**CHANGE, "version": "v9"})
        assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["version"])
    made = client.post("/changes/new/", CHANGE)
    assert made.headers["Location"] == "/changes/1/"
    shown = client.get("/changes/1/").content.decode()
    assert "Customer week" in shown
    assert client.get("/changes/").status_code == 200
    assert client.post("/changes/1/gates/").status_code == 302


def test_who_only_looks_proposes_nothing(client: Client, shop: Shop, stranger: Any) -> None:
    shop.propose()
    client.force_login(stranger)
    with nothing_happens():
        assert client.get("/changes/1/").status_code == 200
        assert client.post("/changes/new/", CHANGE).status_code == 422
        assert client.post("/changes/1/gates/").status_code == 403
