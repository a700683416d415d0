"""What is the same in every language and for every page: names, numbers, times as words."""

from __future__ import annotations

import pytest

from bonanca.ui.formats import who_text


@pytest.mark.parametrize(
    ("label", "shown"),
    [("person:ana@loja.example", "ana@loja.example"), ("system:aftercare", "Bonança"), ("cli", "cli"), ("", "")],
)
def test_who_acted_is_shown_by_name(label: str, shown: str) -> None:
    assert who_text(label) == shown
