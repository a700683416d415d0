"""API tokens: shown once, kept as hashes, refused clearly."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from bonanca.access.actors import SYSTEM, person
from bonanca.access.models import ApiToken, User
from bonanca.access.operations.create_token import NewToken, create_token
from bonanca.access.operations.revoke_token import revoke_token
from bonanca.access.tokens import actor_from_authorization
from bonanca.kernel.errors import Conflict, Invalid, NotAllowed, NotFound

pytestmark = pytest.mark.django_db


def make(name: str = "ci", **options) -> NewToken:
    return create_token(name=name, actor=SYSTEM("test"), now=datetime.now(UTC), **options)


def me(client: Client, secret: str):
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})


def test_a_token_is_its_role_and_its_secret_is_kept_nowhere(client: Client) -> None:
    made = make(role="responder")
    answer = me(client, made.secret)
    assert answer.status_code == 200
    assert (answer.json()["label"], answer.json()["role"]) == ("token:ci", "responder")
    row = ApiToken.objects.get()
    assert made.secret not in str(row.__dict__)
    assert made.secret.startswith("bnc_")
    assert row.last_used_at is not None


def test_a_token_may_act_as_a_person(client: Client, member: User) -> None:
    answer = me(client, make(user_email=member.email).secret).json()
    assert (answer["label"], answer["teams"]) == ("person:beto@loja.example", ["loja"])


def test_without_and_with_a_wrong_token_the_answer_says_what_to_do(client: Client) -> None:
    for response in (client.get("/api/v1/me"), me(client, "bnc_wrong"), me(client, "")):
        assert response.status_code == 401
        error = response.json()["error"]
        assert error["code"] == "unauthenticated"
        assert "bonanca token create" in error["hint"]
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_ends_at_once(client: Client) -> None:
    made = make()
    revoke_token(name="ci", actor=SYSTEM("test"), now=datetime.now(UTC))
    assert me(client, made.secret).status_code == 401
    with pytest.raises(NotFound):
        revoke_token(name="ci", actor=SYSTEM("test"), now=datetime.now(UTC))


def test_an_expired_token_is_refused(client: Client) -> None:
    made = make(expires_in_days=1)
    assert me(client, made.secret).status_code == 200
    ApiToken.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert me(client, made.secret).status_code == 401


def test_a_token_of_a_closed_account_is_refused(client: Client, member: User) -> None:
    made = make(user_email=member.email)
    User.objects.filter(id=member.id).update(is_active=False)
    assert me(client, made.secret).status_code == 401


def test_a_token_is_good_for_its_scope_alone(client: Client) -> None:
    alerts = make("alerts", scope="alerts").secret
    assert me(client, alerts).status_code == 401
    assert actor_from_authorization(f"Bearer {alerts}", scope="api") is None
    assert actor_from_authorization(f"Bearer {alerts}", scope="alerts") is not None
    basic = base64.b64encode(f"prometheus:{alerts}".encode()).decode()
    assert actor_from_authorization(f"Basic {basic}", scope="alerts") is not None


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic !!!", "Basic bm9jb2xvbg==", "Digest x", "Bearer \x00"])
def test_malformed_headers_are_nobody(header: str | None) -> None:
    assert actor_from_authorization(header) is None


def test_a_session_needs_csrf_protection_on_the_api(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.get("/api/v1/me").status_code == 200
    refused = client.post("/api/v1/catalog/diff", data="version: 1", content_type="application/yaml")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["error"]["message"]


def test_names_roles_and_scopes_are_checked(owner: User) -> None:
    make()
    with pytest.raises(Conflict):
        make()
    for wrong in ({"role": "king"}, {"scope": "all"}, {"expires_in_days": -1}, {"name": ""}):
        with pytest.raises(Invalid):
            make(**{"name": "other", **wrong})
    with pytest.raises(NotFound):
        make("other", user_email="nobody@loja.example")
    with pytest.raises(NotAllowed):
        create_token(name="x", actor=person(owner), now=datetime.now(UTC))
