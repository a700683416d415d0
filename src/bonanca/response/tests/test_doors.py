"""Containment, deployment and rollback through API and pages: the same refusals in the caller's shape."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from bonanca.response.queries import containments_of, get_plan, plans
from tests.support.loja import Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db
CONTAIN = {"action": "disable", "match": "/checkout", "expires_in_s": 600, "reason": "charges twice"}


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def test_containing_and_lifting_through_the_api(client: Client, shop: Shop, member: Any) -> None:
    shop.open()
    client.force_login(member)
    made = post(client, "incidents/1/containments", CONTAIN)
    assert (made.status_code, made.json()["state"], made.json()["match"]) == (201, "active", "/checkout")
    with nothing_happens():
        assert post(client, "incidents/1/containments", CONTAIN).status_code == 409
        wrong = post(client, "incidents/1/containments", {**CONTAIN, "reason": ""})
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "reason")
        assert post(client, "incidents/9/containments", CONTAIN).status_code == 404
        assert post(client, f"containments/{uuid4()}/undo").status_code == 404
    assert post(client, f"containments/{made.json()['id']}/undo").json()["state"] == "lifted"
    assert [c["state"] for c in client.get("/api/v1/incidents/1/containments").json()] == ["lifted"]


def test_a_rollback_is_previewed_by_one_and_approved_by_another(
    client: Client, shop: Shop, owner: Any, member: Any
) -> None:
    shop.deployed("v2")
    shop.open()
    client.force_login(member)
    made = post(client, "changes/1/rollback", {"incident": 1})
    assert made.status_code == 201
    plan = made.json()
    assert (plan["state"], plan["kind"], plan["preview"]["passed"]) == ("proposed", "rollback", True)
    assert plan["preview"]["rows_at_risk"] == []
    assert plan["preview"]["expected_s"] > 0
    assert client.get(f"/api/v1/response-plans/{plan['id']}").json() == plan
    assert [p["id"] for p in client.get("/api/v1/response-plans?service=loja-api").json()] == [plan["id"]]
    with nothing_happens():
        assert post(client, f"response-plans/{plan['id']}/approve").status_code == 403
        assert post(client, f"response-plans/{plan['id']}/undo").status_code == 409
        assert post(client, "changes/1/rollback", {"incident": 9}).status_code == 404
    client.force_login(owner)
    assert post(client, f"response-plans/{plan['id']}/approve").json()["state"] == "running"
    with nothing_happens():
        assert post(client, f"response-plans/{plan['id']}/withdraw").status_code == 409


def test_a_deployment_through_the_api(client: Client, shop: Shop, member: Any, stranger: Any) -> None:
    shop.propose()
    client.force_login(stranger)
    with nothing_happens():
        assert post(client, "changes/1/deploy").status_code == 403
    client.force_login(member)
    made = post(client, "changes/1/deploy")
    assert (made.status_code, made.json()["kind"], made.json()["state"]) == (201, "deployment", "running")
    with nothing_happens():
        assert post(client, "changes/1/deploy").status_code == 409


def test_the_form_contains_or_says_at_the_field_why_not(client: Client, shop: Shop, member: Any) -> None:
    incident = shop.open()
    client.force_login(member)
    form = {"action": "disable", "match": "/checkout", "minutes": "10", "reason": "charges twice"}
    assert client.get(reverse("response:contain", args=[1])).status_code == 200
    with nothing_happens():
        wrong = client.post(reverse("response:contain", args=[1]), {**form, "match": "checkout"})
        assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["match"])
    assert client.post(reverse("response:contain", args=[1]), form).headers["Location"] == "/incidents/1/"
    [made] = containments_of(incident.id)
    assert (made.expires_at - made.applied_at).total_seconds() == 600
    with nothing_happens():
        assert client.post(reverse("response:contain", args=[1]), form).status_code == 422
    assert client.post(reverse("response:lift", args=[made.id])).status_code == 302
    assert not containments_of(incident.id)[0].is_active


def test_pages_walk_from_change_to_rollback_and_withdrawal(client: Client, shop: Shop, owner: Any, member: Any) -> None:
    shop.deployed("v2")
    client.force_login(member)
    went = client.post(reverse("response:rollback", args=[1]), {"incident": ""})
    [plan] = plans()
    page = reverse("response:plan", args=[plan.id])
    assert went.headers["Location"] == page
    assert client.get(page).status_code == 200
    with nothing_happens():
        assert client.post(reverse("response:approve", args=[plan.id])).status_code == 403
        assert client.get(reverse("response:approve", args=[plan.id])).status_code in (403, 405)
        assert client.post(reverse("response:undo", args=[plan.id])).status_code == 302
    assert client.post(reverse("response:withdraw", args=[plan.id])).headers["Location"] == page
    assert get_plan(plan.id).state == "withdrawn"
    client.force_login(owner)
    with nothing_happens():
        assert client.post(reverse("response:approve", args=[plan.id])).headers["Location"] == page
    assert client.get(page).status_code == 200


def test_a_deployment_page_shows_what_stops_it(client: Client, shop: Shop, member: Any) -> None:
    shop.propose()
    client.force_login(member)
    assert "/recovery/" in client.post(reverse("response:deploy", args=[1])).headers["Location"]
    with nothing_happens():
        again = client.post(reverse("response:deploy", args=[1]))
        assert again.headers["Location"] == "/changes/1/"
    assert client.get("/changes/1/").status_code == 200
