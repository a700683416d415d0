"""Texts of strangers as PostgreSQL can keep them: without NUL, and without the half of a surrogate pair."""

from __future__ import annotations

import re
from typing import Any

_LOST = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return the text with what cannot be stored replaced by �. What a program printed must not stop its record."""
    return _LOST.sub("\ufffd", text)


def is_storable(text: str) -> bool:
    """Whether the text can be stored to the letter."""
    return _LOST.search(text) is None


def storable_json(value: Any) -> Any:
    """Return a JSON value in which every text, also of keys, can be stored."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): storable_json(one) for key, one in value.items()}
    return [storable_json(one) for one in value] if isinstance(value, list) else value


def shown(text: str, most: int) -> str:
    """Return at most so much of what a program said, on one line and without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in storable(text[:most])).strip()
