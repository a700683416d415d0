"""Every page and API operation of the house, found by looking: guarded, and never broken by who knocks."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import path

from bonanca.access.models import User
from bonanca.access.permissions import Permission
from bonanca.access.web import page, public
from tests.support.doors import Door, _access, _pages, doors, knock, unguarded

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def test_nothing_is_unguarded() -> None:
    assert not unguarded(), "every view is @page(...) or @public, every API operation authenticates"
    assert len(doors()) >= 5


def test_an_undecorated_view_would_be_found() -> None:
    def forgotten(request):
        return None

    found = list(_pages([path("x/<uuid:incident_id>/<int:n>/<slug:s>/", forgotten)], "/"))
    assert found[0].access is None
    assert found[0].path == "/x/01930000-0000-7000-8000-000000000000/999999/unknown/"
    assert _access(page(Permission.COMMAND)(forgotten)) == "command"
    assert _access(public(forgotten)) == "public"


def test_nobody_gets_in_anonymously(client: Client, db: None) -> None:
    for door in doors():
        if door.access == "public":
            continue
        token = str(door.access).startswith("token")
        refused = 401 if token else 302
        answers = [knock(client, door), client.post(door.path)]
        for response in answers:
            assert response.status_code in (refused, 405), (door, response.status_code, response.content[:200])
            if response.status_code == 302:
                assert response.headers["Location"].startswith("/login/?next="), door
        assert refused in {response.status_code for response in answers}, door


@pytest.mark.parametrize("who", ["owner", "member", "stranger"])
def test_nobody_breaks_a_door(client: Client, request: pytest.FixtureRequest, who: str) -> None:
    user: User = request.getfixturevalue(who)
    client.force_login(user)
    for door in doors():
        response = knock(client, door)
        assert response.status_code < 500 or response.status_code == 503, (door, response.content[:300])
        if door.access == str(Permission.ADMINISTER):
            assert response.status_code == 403, door
        if door.access == str(Permission.COMMAND) and who != "owner":
            assert response.status_code == 403, door


def test_every_answer_carries_the_security_headers(client: Client, owner: User) -> None:
    page_missing = Door("page", "/no/such/page", "GET", "", "public")
    for signed_in in (False, True):
        if signed_in:
            client.force_login(owner)
        for door in (*doors(), page_missing, Door("page", "/logout/", "GET", "", "public")):
            response = knock(client, door)
            missing = {name for name, value in HEADERS.items() if response.headers.get(name) != value}
            assert not missing, (door, missing)


def test_errors_are_pages_for_people_and_json_for_programs(client: Client, owner: User) -> None:
    missing = client.get("/no/such/page")
    assert missing.status_code == 404
    assert "There is no page at this address." in missing.content.decode()
    for path_, method in (("/api/v1/nowhere", "get"), ("/api/v1/me", "delete")):
        client.force_login(owner)
        response = getattr(client, method)(path_)
        assert response.status_code in (404, 405)
        assert response.json()["error"]["message"]


def test_a_lost_session_under_a_live_page_sends_the_whole_page_to_the_login(client: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/incidents/?x=1"}
    response = client.get("/profile/", headers=headers)
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/login/?next=%2Fincidents%2F%3Fx%3D1"
    headers["HX-Current-URL"] = "https://evil.example/"
    assert client.get("/profile/", headers=headers).headers["HX-Redirect"] == "/login/?next=%2F"


def test_a_page_for_one_person_is_not_cached_for_another(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "private" in client.get("/profile/").headers["Cache-Control"]
