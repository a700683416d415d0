"""A restore through page, API and command line: the same verbs, the same refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.access.operations.create_token import create_token
from bonanca.durable.queries import list_runs
from bonanca.recovery.cli.restore import app
from bonanca.recovery.models import Restore
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.tests.shop import NOW, Shop

WORKER = SYSTEM("test")


@pytest.fixture
def browser(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def test_from_the_form_to_the_running_plan(shop: Shop, browser: Client) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    address = f"/backups/{shop.slug}/restores/"
    assert str(backup.id) in browser.get(address).content.decode()
    wrong = browser.post(address, {"backup": str(backup.id), "mode": "beside", "into": "No Good"})
    assert wrong.status_code == 422
    assert Restore.objects.count() == 0
    asked = browser.post(address, {"backup": str(backup.id), "mode": "swap", "into": ""})
    page = browser.get(asked.headers["Location"]).content.decode()
    assert f"Restaurar no lugar de {shop.name}" in page
    assert "A chave privada o abre" in page
    assert "disabled" not in page
    assert browser.post(asked.headers["Location"] + "start/").status_code == 302
    (run,) = list_runs(subject=f"service:{shop.slug}")
    assert [step.key for step in run.steps] == ["preflight", "load", "check", "place"]
    assert f"plan_{run.id.hex}" in browser.get(asked.headers["Location"]).content.decode()


def test_who_may_only_look_sees_why_the_button_is_off(shop: Shop, browser: Client, member) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    client = Client()
    client.force_login(member)
    asked = client.post(f"/backups/{shop.slug}/restores/", {"backup": str(backup.id), "mode": "beside", "into": ""})
    page = client.get(asked.headers["Location"]).content.decode()
    assert "Um comandante precisa iniciar isto." in page
    assert client.post(asked.headers["Location"] + "start/").status_code == 403


def test_the_page_is_readable_while_the_services_server_is_down(shop: Shop, browser: Client) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    (shop.folder / "dsn").write_text("postgresql://nobody@127.0.0.1:1/none")
    assert browser.get(f"/backups/{shop.slug}/restores/").status_code == 200


def test_the_command_previews_refuses_and_starts(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    runner = CliRunner()
    refused = runner.invoke(app, ["preview", shop.slug, "--into", "postgres"])
    assert refused.exit_code == 5
    assert "NO" in refused.output
    done = runner.invoke(app, ["preview", shop.slug, "--into", f"{shop.name}_x", "--json"])
    shown = json.loads(done.stdout)
    assert shown["database"] == f"{shop.name}_x"
    assert {found["answer"] for found in shown["verdict"]} <= {"ok", "unknown"}
    assert json.loads(runner.invoke(app, ["start", shown["id"], "--json"]).stdout)["state"] == "started"
    assert shown["id"] in runner.invoke(app, ["list", shop.slug]).output
    assert "bonanca plan show" in runner.invoke(app, ["show", shown["id"]]).output
    assert "no kept database" in runner.invoke(app, ["kept", shop.slug]).output


def test_the_api_speaks_of_the_same_restore(shop: Shop, owner) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    token = create_token(name="t", user_email=owner.email, actor=WORKER, now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {token.secret}"}
    body = {"service": shop.slug, "backup_id": str(backup.id), "into": f"{shop.name}_x"}
    made = Client().post("/api/v1/restores", json.dumps(body), content_type="application/json", headers=headers)
    assert made.status_code == 201, made.content
    one = f"/api/v1/restores/{made.json()['id']}"
    assert Client().post(f"{one}/start", headers=headers).status_code == 202
    found = Client().get(one, headers=headers).json()
    assert (found["state"], found["outcome"], found["refused"]) == ("started", "queued", False)
