"""The catalog through its interfaces: command line, API, pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from django.test import Client
from typer.testing import CliRunner, Result

from bonanca.access.actors import SYSTEM
from bonanca.access.models import User
from bonanca.access.operations.create_token import create_token
from bonanca.catalog import cli
from bonanca.catalog.documents.load import CatalogInvalid
from bonanca.catalog.models import Service
from bonanca.kernel.errors import EXIT_CODE

pytestmark = pytest.mark.django_db
SHOP = Path(__file__).parent / "shop.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    copy = tmp_path / "bonanca.yaml"
    copy.write_text(SHOP.read_text(encoding="utf-8"), encoding="utf-8")
    return copy


def run(*arguments: str) -> Result:
    root = typer.Typer()
    cli.register(root)
    return CliRunner().invoke(root, list(arguments))


def as_token(client: Client, role: str, path: str, text: str, **query: str):
    made = create_token(name=role, role=role, actor=SYSTEM("test"), now=datetime.now(UTC))
    return client.post(
        path,
        data=text.encode(),
        content_type="application/yaml",
        query_params=query,
        headers={"Authorization": f"Bearer {made.secret}"},
    )


def test_diff_then_apply_then_nothing(file: Path) -> None:
    told = run("diff", str(file))
    assert told.exit_code == 1
    assert "+ service loja-api" in told.output
    assert "slo: loja-availability 99 %" in told.output
    assert not Service.objects.exists()
    assert run("apply", str(file)).exit_code == 0
    again = run("diff", str(file))
    assert again.exit_code == 0
    assert "nothing would change" in again.output
    assert "nothing to change" in run("apply", str(file)).output


def test_a_changed_field_is_shown_before_and_after(file: Path) -> None:
    run("apply", str(file))
    file.write_text(file.read_text().replace("objective: 99.0", "objective: 99.5"))
    told = run("diff", str(file)).output
    assert "~ service loja-api" in told
    assert "    slos[0].objective: 99 → 99.5" in told
    data = json.loads(run("diff", "--json", str(file)).output)
    assert data["changed"] is True
    assert data["changes"][0]["fields"] == [{"path": "slos[0].objective", "before": "99", "after": "99.5"}]


def test_a_bad_file_changes_nothing_and_its_exit_code_is_two(file: Path) -> None:
    file.write_text(file.read_text().replace("objective: 99.0", "objective: 100"))
    for command in ("diff", "apply"):
        result = run(command, str(file))
        assert isinstance(result.exception, CatalogInvalid)
        assert EXIT_CODE[result.exception.code] == 2
        assert "bonanca.yaml:36: slo 'loja-availability'" in str(result.exception)
    assert not Service.objects.exists()


def test_leftovers_are_shown_and_pruned_only_when_asked(file: Path) -> None:
    run("apply", str(file))
    file.write_text("version: 1\nteams: [{slug: outra}]\n")
    assert "· service loja-api  (not in this file; --prune would remove it)" in run("apply", str(file)).output
    assert Service.objects.get().active
    assert "- service loja-api" in run("apply", "--prune", str(file)).output
    assert not Service.objects.get().active


def test_the_api_applies_for_administrators_alone(client: Client) -> None:
    text = SHOP.read_text(encoding="utf-8")
    assert as_token(client, "commander", "/api/v1/catalog/apply", text).status_code == 403
    assert not Service.objects.exists()
    told = as_token(client, "admin", "/api/v1/catalog/apply", text)
    assert told.status_code == 200
    assert told.json()["changed"] is True
    assert Service.objects.get().slug == "loja-api"


def test_the_api_tells_mistakes_with_their_lines(client: Client) -> None:
    bad = as_token(client, "admin", "/api/v1/catalog/diff", "version: 1\nservics: []\n")
    assert bad.status_code == 422
    assert (
        "request:2: the catalog: 'servics' is not known here: did you mean services?" in bad.json()["error"]["message"]
    )


def test_services_are_read_through_the_api_without_their_secrets(client: Client, stranger: User, file: Path) -> None:
    run("apply", str(file))
    client.force_login(stranger)
    one = client.get("/api/v1/services/loja-api")
    assert one.json()["slos"] == [
        {"slug": "loja-availability", "name": "Disponibilidade", "objective": 99.0, "window_s": 1800.0}
    ]
    assert one.json()["routes"] == ["*/"]
    assert "value" not in one.content.decode()
    assert [s["slug"] for s in client.get("/api/v1/services").json()] == ["loja-api"]
    assert client.get("/api/v1/services/nothing").status_code == 404


def test_pages_list_services_and_show_one(client: Client, stranger: User, file: Path) -> None:
    client.force_login(stranger)
    User.objects.filter(id=stranger.id).update(locale="en")
    assert "No service is declared yet" in client.get("/services/").content.decode()
    run("apply", str(file))
    listed = client.get("/services/").content.decode()
    assert "/services/loja-api/" in listed
    shown = client.get("/services/loja-api/").content.decode()
    assert "Ana Souza" in shown
    assert "http://127.0.0.1:9101" in shown
    assert client.get("/services/nothing/").status_code == 404
