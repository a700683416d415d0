"""A file with mistakes is told line by line, exits with 2, and changes nothing; a good one works the first time."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import translation

from bonanca.catalog.queries import get_service, list_services
from bonanca.cli.main import run

pytestmark = pytest.mark.django_db

YOURS = """version: 1
teams:
  - {slug: time, members: [{email: eu@example.com, role: commander}], on_call: [eu@example.com]}
services:
  - slug: minha-api
    team: time
    gateway: {routes: [{path_prefix: /}]}
    run: {replicas: [{port: 8080}], health: {path: /health}}
    slo: [{slug: minha-api-disponivel, objective: 99.5}]
"""


def test_ten_lines_declare_your_own_service(tmp_path: Path) -> None:
    file = tmp_path / "bonanca.yaml"
    file.write_text(YOURS, encoding="utf-8")
    assert run(["diff", str(file)]) == 1
    assert not list_services()
    assert run(["apply", str(file)]) == 0
    assert get_service("minha-api").slos[0].objective == 99.5
    assert run(["diff", str(file)]) == 0


@pytest.mark.parametrize(("language", "told"), [("en", "must be below 100"), ("pt-br", "deve ser menor que 100")])
def test_a_bad_file_is_told_with_its_line_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, told: str
) -> None:
    file = tmp_path / "bonanca.yaml"
    file.write_text(YOURS.replace("99.5", "100"), encoding="utf-8")
    with translation.override(language):
        for command in ("diff", "apply"):
            assert run([command, str(file)]) == 2
            error = capsys.readouterr().err
            assert f"{file}:9: slo 'minha-api-disponivel'" in error
            assert told in error
    assert not list_services()


def test_a_missing_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", str(tmp_path / "nothing.yaml")]) == 2
    assert "nothing.yaml" in capsys.readouterr().err
