"""The documents say what is so: files, modules, commands, settings and events that they name exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bonanca.access.actors import local_operator
from bonanca.catalog.documents.load import load_text
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.queries import get_service
from bonanca.cli import reference
from tests.docs import event_page, mentions

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "docs" / "reference" / "settings.md"
READMES = (ROOT / "README.md", ROOT / "README.pt-BR.md")
CATALOGS = [
    pytest.param(block, id=f"{path.relative_to(ROOT)} {number}")
    for path in mentions.documents(ROOT)
    for number, block in enumerate(mentions.yaml_blocks(path.read_text(encoding="utf-8")), 1)
]


def test_every_file_that_documents_name_is_there() -> None:
    assert mentions.missing_files(ROOT) == []


def test_every_module_that_documents_name_is_there() -> None:
    assert mentions.missing_modules(ROOT) == []


def test_every_command_that_documents_name_exists() -> None:
    assert mentions.unknown_commands(ROOT, {name for name, _ in reference.commands()}) == []


def test_every_setting_is_documented_and_no_other() -> None:
    documented = mentions.variables_documented(SETTINGS.read_text(encoding="utf-8"))
    ours = {name for name in documented if name.startswith("BONANCA_")}
    assert ours == mentions.variables_read(ROOT)
    assert "DATABASE_URL" in documented


def test_the_page_of_events_is_as_the_code_declares_them() -> None:
    # Renewed by `make reference`.
    assert (ROOT / event_page.PAGE).read_text(encoding="utf-8") == event_page.page(ROOT)


def test_the_page_of_commands_is_as_the_commands_tell_it() -> None:
    # Renewed by `make reference`.
    assert (ROOT / reference.PAGE).read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize("text", CATALOGS)
def test_a_catalog_in_a_document_can_be_applied(text: str, tmp_path: Path) -> None:
    assert load_text(text, name="bonanca.yaml", base=tmp_path).services


def test_both_readmes_show_the_same_service_in_ten_lines() -> None:
    english, portuguese = (mentions.yaml_blocks(path.read_text(encoding="utf-8")) for path in READMES)
    assert english == portuguese
    assert len(english) == 1
    assert len(english[0].splitlines()) <= 10


def test_both_readmes_have_the_same_sections_and_commands() -> None:
    outline = [
        [len(line.split()[0]) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        for path in READMES
    ]
    assert outline[0] == outline[1]
    english, portuguese = (
        set(re.findall(r"\b(?:make|bonanca) [a-z-]+", mentions.code_of(path.read_text(encoding="utf-8"))))
        for path in READMES
    )
    assert english == portuguese


def test_decisions_are_numbered_one_after_the_other() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_licence_is_named_everywhere_alike() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in READMES:
        assert "Apache" in path.read_text(encoding="utf-8")


@pytest.mark.django_db
def test_the_service_of_the_readme_is_applied_and_stays_as_it_is(tmp_path: Path) -> None:
    text = mentions.yaml_blocks(READMES[0].read_text(encoding="utf-8"))[0]
    catalog = load_text(text, name="bonanca.yaml", base=tmp_path)
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert apply_catalog(catalog, source="bonanca.yaml", actor=local_operator(), now=now).changes
    assert get_service("minha-api").run is not None
    assert not apply_catalog(catalog, source="bonanca.yaml", actor=local_operator(), now=now).changes
