"""The toy step: one key, one line, whatever dies in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.actuators.files.append import append_line, find_line, remove_line


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.txt"


def test_a_key_appends_once(journal: Path) -> None:
    assert append_line(journal, key="run:a", line="one")
    assert not append_line(journal, key="run:a", line="one")
    assert append_line(journal, key="run:b", line="one")
    assert journal.read_text() == "one\trun:a\none\trun:b\n"


def test_the_line_is_found_by_its_key(journal: Path) -> None:
    assert find_line(journal, "run:a") is None
    append_line(journal, key="run:a", line="olá")
    assert find_line(journal, "run:a") == "olá"
    assert find_line(journal, "a") is None


def test_part_of_a_line_left_by_a_killed_writer_does_not_count(journal: Path) -> None:
    append_line(journal, key="run:a", line="one")
    with journal.open("a") as out:
        out.write("two\trun:b")
    assert find_line(journal, "run:b") is None
    append_line(journal, key="run:b", line="two")
    assert journal.read_text() == "one\trun:a\ntwo\trun:b\n"


def test_removing_takes_back_only_what_the_key_did(journal: Path) -> None:
    append_line(journal, key="run:a", line="one")
    append_line(journal, key="run:b", line="two")
    assert remove_line(journal, key="run:a")
    assert not remove_line(journal, key="run:a")
    assert journal.read_text() == "two\trun:b\n"
    remove_line(journal, key="run:b")
    assert not journal.exists()


@pytest.mark.parametrize("line", ["two\nlines", "a\ttab", "a\rreturn"])
def test_a_line_that_would_break_the_format_is_refused(journal: Path, line: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        append_line(journal, key="run:a", line=line)
    assert not journal.exists()
