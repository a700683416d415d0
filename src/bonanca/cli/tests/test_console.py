"""What every command prints with: tables for people, one JSON document for machines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import pytest

from bonanca.ui.console import emit, plain, progress, table


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class View:
    id: UUID
    at: datetime
    path: Path
    colour: Colour
    parts: tuple[int, ...] = (1, 2)


VIEW = View(UUID(int=1), datetime(2026, 1, 2, tzinfo=UTC), Path("/a"), Colour.RED)


def test_views_become_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit([VIEW], as_json=True, show=lambda: pytest.fail("not for people"))
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": "00000000-0000-0000-0000-000000000001",
            "at": "2026-01-02T00:00:00+00:00",
            "path": "/a",
            "colour": "red",
            "parts": [1, 2],
        }
    ]


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        plain({"x": object()})


def test_a_cell_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    table(["name", "text"], [("a", "[bold]not markup[/bold]"), ("b", None)])
    assert "[bold]not markup[/bold]" in capsys.readouterr().out


def test_progress_without_a_terminal_is_one_line_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("backup") as tell:
        tell(0.1, "copying")
        tell(0.2, "copying")
        tell(None, "checking")
    assert capsys.readouterr().err == "backup: copying\nbackup: checking\n"
