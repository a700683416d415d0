"""`backup.files` and `backup.jobs`: what is declared, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import CatalogInvalid, load_text
from bonanca.catalog.spec import BackupSpec, FilesSpec, from_json, to_json

HEAD = """\
version: 1
teams:
  - {slug: loja, name: Loja}
services:
  - slug: loja-api
    team: loja
    root: app
    backup:
      replicas: [/mnt/a]
"""


def read(text: str) -> BackupSpec:
    service = load_text(HEAD + text, name="bonanca.yaml", base=Path("/srv")).services[0]
    assert from_json(to_json(service)) == service
    assert service.backup is not None
    return service.backup


def problems(text: str) -> list[str]:
    with pytest.raises(CatalogInvalid) as refused:
        read(text)
    return [f"{one.line}: {one.message}" for one in refused.value.problems]


def test_paths_start_at_the_root_and_have_bounds() -> None:
    files = read("      files: {paths: [media, /etc/loja/loja.toml], exclude: ['*.tmp'], at_most_mb: 5}\n").files
    assert files == FilesSpec((Path("/srv/app/media"), Path("/etc/loja/loja.toml")), ("*.tmp",), at_most_mb=5)
    assert read("").files is None


def test_jobs_are_a_number_or_found_out() -> None:
    assert [read(f"      jobs: {given}\n").jobs for given in ("auto", 1, 8)] == [0, 1, 8]
    assert read("").jobs == 0
    assert "jobs is not valid" in problems("      jobs: 0\n")[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{paths: [/]}", "10: service 'loja-api': backup: files: paths is not valid"),
        ("{paths: [/etc]}", "paths is not valid"),
        ("{paths: [media, media/cache]}", "is in the backup twice"),
        ("{paths: [media, ./media]}", "is in the backup twice"),
        ("{paths: []}", "at least one path"),
        ("{}", "paths is missing"),
        ("{paths: [media], at_most_mb: 0}", "at_most_mb is not valid"),
        ("{paths: [media], follow: true}", "'follow' is not known here"),
    ],
)
def test_what_cannot_be_taken_is_refused(given: str, said: str) -> None:
    assert any(said in problem for problem in problems(f"      files: {given}\n"))
