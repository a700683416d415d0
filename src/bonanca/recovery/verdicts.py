"""What stands in the way of a restore, said before anything is touched. Each finding is a sentence and an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bonanca.ui.phrases import Phrase, render

OK, NO, UNKNOWN, RISK = "ok", "no", "unknown", "risk"
_ORDER = {NO: 0, RISK: 1, UNKNOWN: 2, OK: 3}


@dataclass(frozen=True)
class Finding:
    """One question with its answer: `ok`, `no` (the restore is refused), `unknown` (it could not be seen) or `risk`
    (it can be done, and takes something from somebody).

    `text` is an English message id with named placeholders in `facts`.
    """

    key: str
    answer: str
    text: str
    facts: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The sentence in the reader's language."""
        return render(self.text, self.facts)

    @property
    def refuses(self) -> bool:
        return self.answer == NO

    @property
    def unsure(self) -> bool:
        """Whether it could not be seen: it does not stand in the way, and a person should know."""
        return self.answer == UNKNOWN

    @property
    def tone(self) -> str:
        """The meaning that a page gives it."""
        return {OK: "calm", NO: "burning", RISK: "risk"}.get(self.answer, "unknown")

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "answer": self.answer, **Phrase(self.text, dict(self.facts)).to_json()}


def finding(key: str, answer: str, text: str, /, **facts: Any) -> Finding:
    """Build one; `text` is marked for translation where it is written."""
    return Finding(key, answer, text, facts)


def from_json(data: Mapping[str, Any]) -> Finding:
    """The finding that `to_json` wrote."""
    return Finding(data["key"], data["answer"], data["text"], data["facts"])


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What a person has to see first comes first: what refuses, what is at risk, what is not known."""
    return tuple(sorted(findings, key=lambda found: _ORDER.get(found.answer, len(_ORDER))))


def refusals(findings: tuple[Finding, ...]) -> list[str]:
    """The sentences that refuse."""
    return [found.words for found in findings if found.answer == NO]
