"""`bonanca user`, `token` and `login-link`, as an operator uses them."""

from __future__ import annotations

import json

import pytest
import typer
from django.test import Client
from typer.testing import CliRunner, Result

from bonanca.access import cli
from bonanca.access.models import ApiToken, User
from bonanca.kernel.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.django_db


def run(*arguments: str, stdin: str = "") -> Result:
    root = typer.Typer()
    cli.register(root)
    return CliRunner().invoke(root, list(arguments), input=stdin)


def test_an_account_is_created_listed_and_entered_by_link(client: Client) -> None:
    assert run("user", "create", "ana@loja.example", "--name", "Ana", "--role", "commander").exit_code == 0
    assert "commander" in run("user", "list").output
    told = json.loads(run("login-link", "ana@loja.example", "--json").output)
    path = told["url"].removeprefix("http://127.0.0.1:8000")
    assert path.startswith("/login/once/")
    assert client.post(path).status_code == 302


def test_a_password_comes_from_standard_input_never_from_an_argument(client: Client, owner: User) -> None:
    done = run("user", "set-password", owner.email, "--stdin", stdin="correct horse battery\n")
    assert done.exit_code == 0
    assert "battery" not in done.output
    entered = client.post("/login/", {"email": owner.email, "password": "correct horse battery"})
    assert entered.status_code == 302
    assert isinstance(run("user", "set-password", owner.email, "--stdin", stdin="short\n").exception, Invalid)


def test_a_token_is_printed_once_and_alone_on_standard_output(client: Client) -> None:
    made = run("token", "create", "--name", "ci", "--role", "responder")
    secret = made.stdout.strip()
    assert secret.startswith("bnc_")
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).json()["role"] == "responder"
    listed = run("token", "list").output
    assert "ci" in listed
    assert secret not in listed
    assert run("token", "revoke", "ci").exit_code == 0
    assert ApiToken.objects.get().revoked_at is not None
    assert json.loads(run("token", "list", "--json").output)[0]["state"] == "revoked"


def test_what_cannot_be_is_refused_by_name(owner: User) -> None:
    assert isinstance(run("user", "create", owner.email).exception, Conflict)
    assert isinstance(run("user", "create", "not-an-address").exception, Invalid)
    assert isinstance(run("user", "create", "x@example.com", "--role", "king").exception, Invalid)
    assert isinstance(run("login-link", "nobody@example.com").exception, NotFound)
    assert isinstance(run("login-link", owner.email, "--minutes", "100000").exception, Invalid)
    assert isinstance(run("token", "revoke", "none").exception, NotFound)
