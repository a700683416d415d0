"""Post-mortems as files, pages and through the API."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from bonanca.cli.main import run
from bonanca.kernel.errors import Invalid, NotFound, Unavailable
from bonanca.postmortems.export import export_postmortem
from bonanca.postmortems.operations.draft_postmortem import draft_postmortem
from bonanca.postmortems.tests.storm import after, storm
from tests.support.loja import NOW, Shop
from tests.support.traces import nothing_happens

pytestmark = pytest.mark.django_db


@pytest.fixture
def drafted(shop: Shop) -> int:
    incident = storm(shop)
    return draft_postmortem(incident.id, actor=shop.ana, now=after(130)).number


def export(number: int, folder: Path, locale: str = "en", zone: str = "UTC") -> tuple[Path, ...]:
    return export_postmortem(number, folder=folder, locale=locale, time_zone=zone)


def test_an_export_is_a_document_with_its_charts_beside_it(drafted: int, tmp_path: Path) -> None:
    document, *pictures = export(drafted, tmp_path / "new" / "folder")
    assert document.name == "2026-03-01-checkout-fails.md"
    assert [p.name for p in pictures] == [
        "2026-03-01-checkout-fails-error-ratio.svg",
        "2026-03-01-checkout-fails-error-budget.svg",
    ]
    text = document.read_text(encoding="utf-8")
    for picture in pictures:
        assert f"]({picture.name})" in text
        assert picture.read_text(encoding="utf-8").lstrip().startswith("<svg")
    assert export(drafted, tmp_path / "new" / "folder") == (document, *pictures)


def test_without_measurements_there_is_no_picture(shop: Shop, tmp_path: Path) -> None:
    incident = shop.open(service="estoque-api", actor=shop.ana)
    made = draft_postmortem(incident.id, actor=shop.ana, now=NOW + timedelta(minutes=1))
    [document] = export(made.number, tmp_path)
    assert ".svg" not in document.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("locale", "zone", "field"),
    [
        ("fr", "UTC", "lang"),
        ("", "UTC", "lang"),
        ("en", "Mars/Olympus", "zone"),
        ("en", "America", "zone"),
        ("en", "../../etc/passwd", "zone"),
        ("en", "", "zone"),
    ],
)
def test_an_unknown_language_or_zone_is_refused_and_writes_nothing(
    drafted: int, tmp_path: Path, locale: str, zone: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        export(drafted, tmp_path / "out", locale, zone)
    assert refused.value.field == field
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_or_cannot_be_written_is_said(drafted: int, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        export(99, tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="file"):
        export(drafted, tmp_path / "file")


def test_the_command_exports_and_lists(drafted: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["postmortem", "export", str(drafted), "--out", str(tmp_path), "--lang", "en", "--json"]) == 0
    document, *_ = json.loads(capsys.readouterr().out)["files"]
    assert Path(document).exists()
    assert run(["postmortem", "list", "--json"]) == 0
    assert [p["number"] for p in json.loads(capsys.readouterr().out)] == [drafted]
    assert run(["postmortem", "export", "99"]) == 3
    assert run(["postmortem", "export", str(drafted), "--lang", "fr"]) == 2
    assert "fr" in capsys.readouterr().err


def test_the_api_drafts_and_hands_out_markdown(client: Client, shop: Shop, member: Any, stranger: Any) -> None:
    shop.open()
    client.force_login(stranger)
    with nothing_happens():
        assert client.post("/api/v1/incidents/1/postmortem").status_code == 403
    client.force_login(member)
    assert client.post("/api/v1/incidents/1/postmortem").status_code == 201
    assert [p["number"] for p in client.get("/api/v1/postmortems").json()] == [1]
    assert client.get("/api/v1/postmortems/1").json()["state"] == "draft"
    english = client.get("/api/v1/postmortems/1/markdown?lang=en")
    assert english.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert "## Executive summary" in english.content.decode()
    assert "## Executive summary" not in client.get("/api/v1/postmortems/1/markdown").content.decode()
    refused = client.get("/api/v1/postmortems/1/markdown?lang=fr")
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "lang")
    assert client.get("/api/v1/postmortems/9").status_code == 404


def test_pages_show_the_draft_with_its_chart(client: Client, drafted: int, stranger: Any) -> None:
    client.force_login(stranger)
    assert "Checkout fails" in client.get("/postmortems/").content.decode()
    shown = client.get(f"/postmortems/{drafted}/").content.decode()
    assert "<svg" in shown
    assert "CHG-1" in shown
    file = client.get(f"/postmortems/{drafted}/markdown/")
    assert file.headers["Content-Disposition"] == 'attachment; filename="2026-03-01-checkout-fails.md"'
    assert client.get("/postmortems/99/").status_code == 404
