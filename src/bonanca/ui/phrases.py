"""Words that the software writes, kept as a message id and its facts, so that everybody reads them in their language.

What a person wrote is a plain string and is never translated. What Bonança wrote is a `Phrase`: it is stored as words
in the installation's language (for whoever reads the row as it is) beside the phrase, from which pages, messages and
commands are made for the reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from bonanca.ui.formats import duration_text, number_text

# Facts that are message ids themselves: a step's title, a severity. What people wrote is never translated.
MESSAGE_FACTS = frozenset({"step", "before", "after"})


@dataclass(frozen=True)
class Phrase:
    """An English message id with named placeholders, and the facts that fill them (JSON values)."""

    text: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return render(self.text, self.facts)

    def to_json(self) -> dict[str, Any]:
        """Return what `phrase_of` reads, as JSON values; facts that are phrases become JSON too."""
        return {"text": self.text, "facts": {name: _json(fact) for name, fact in self.facts.items()}}


# What may be given where words are wanted.
Words = str | Phrase


def stored(words: Words) -> dict[str, Any] | None:
    """Return what the column beside the words keeps: the phrase, or None of what a person wrote."""
    return words.to_json() if isinstance(words, Phrase) else None


def phrase_of(words: str, data: Mapping[str, Any] | None) -> Words:
    """Return the phrase that was stored beside the words, or the words themselves."""
    return Phrase(str(data["text"]), dict(data["facts"])) if data and _is_phrase(data) else words


def read(words: str, data: Mapping[str, Any] | None) -> str:
    """Return stored words for the reader: the phrase in the active language, or what a person wrote."""
    return str(phrase_of(words, data))


def said(value: str | Mapping[str, Any]) -> str:
    """Return a fact that holds either a person's words or a phrase as JSON, for the reader."""
    return value if isinstance(value, str) else read("", value)


def render(text: str, facts: Mapping[str, Any]) -> str:
    """Return a recorded message id in the active language, with its facts filled in."""
    translated = _(text) if text else ""
    words = {name: _word(name, fact) for name, fact in facts.items()}
    try:
        return translated % words
    except (KeyError, TypeError, ValueError):
        # An entry of another release may carry other facts: its words are still worth reading.
        return translated


class _Decimal(float):
    """A number that %s shows with the language's separators, and that %d and %.2f still take for a number."""

    def __str__(self) -> str:
        return number_text(float(self), 0 if self.is_integer() else 1)


def _word(name: str, fact: Any) -> Any:
    """Return a fact for the reader: phrases translated, seconds (`…_s`) as a duration, decimals of the locale."""
    if isinstance(fact, Phrase):
        return str(fact)
    if isinstance(fact, Mapping) and _is_phrase(fact):
        return render(fact["text"], fact["facts"])
    if name in MESSAGE_FACTS and fact:
        return _(str(fact))
    if name.endswith("_s") and isinstance(fact, int | float):
        return duration_text(fact)
    return _Decimal(fact) if isinstance(fact, float) else fact


def _is_phrase(data: Mapping[str, Any]) -> bool:
    return data.keys() == {"text", "facts"} and isinstance(data["facts"], Mapping)


def _json(fact: Any) -> Any:
    return fact.to_json() if isinstance(fact, Phrase) else fact
