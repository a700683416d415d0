"""What the software wrote is read by everybody in their language; what people wrote stays as it is."""

from __future__ import annotations

import json

from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from bonanca.ui.phrases import Phrase, phrase_of, read, render, said, stored

BACK = Phrase("%(service)s back to before %(version)s", {"service": "Loja", "version": "v2"})
UNDO = Phrase("Undo: %(title)s", {"title": BACK})


def test_a_stored_phrase_is_read_in_the_language_of_the_reader() -> None:
    with translation.override("pt-br"):
        words, kept = str(UNDO), json.loads(json.dumps(stored(UNDO)))
        assert read(words, kept) == "Desfazer: Loja de volta a antes de v2"
    with translation.override("en"):
        assert read(words, kept) == said(kept) == "Undo: Loja back to before v2"
        assert str(phrase_of(words, kept)) == "Undo: Loja back to before v2"


def test_numbers_and_durations_follow_the_language() -> None:
    facts = {"share": 7.4, "whole": 18.0, "count": 1234, "took_s": 0.4}
    with translation.override("pt-br"):
        assert render("%(share)s %(whole)s %(count)s %(took_s)s", facts) == "7,4 18 1234 0,4 s"
    with translation.override("en"):
        assert render("%(share)s %(whole)s %(count)s %(took_s)s", facts) == "7.4 18 1234 0.4 s"


def test_a_placeholder_may_say_how_a_number_is_written() -> None:
    with translation.override("en"):
        assert render("%(free).0f MB, %(rows)d rows", {"free": 12.6, "rows": 3.0}) == "13 MB, 3 rows"


def test_facts_of_another_release_leave_the_words_readable() -> None:
    with translation.override("en"):
        assert render("Alert: %(other)s", {"summary": "x"}) == "Alert: %(other)s"
        assert render("", {}) == ""


@given(st.text())
def test_what_a_person_wrote_is_never_read_as_a_phrase(words: str) -> None:
    assert stored(words) is None
    assert read(words, None) == said(words) == words


@given(st.text())
def test_what_a_person_wrote_inside_a_phrase_is_not_translated_or_filled_in(title: str) -> None:
    with translation.override("en"):
        assert str(Phrase("Undo: %(title)s", {"title": title})) == f"Undo: {title}"
