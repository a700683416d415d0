"""What a service's own program says about the rows, jobs or messages that it was given: one JSON object a line.

`{"key": …, "outcome": "applied" | "duplicate" | "conflict", "reason": …}`, with `table` if it likes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bonanca.kernel.texts import shown, storable

MOST_WORDS = 500
APPLIED, DUPLICATE, CONFLICT = "applied", "duplicate", "conflict"
OUTCOMES = (APPLIED, DUPLICATE, CONFLICT)


@dataclass(frozen=True)
class Said:
    """One answer. `table` and `key` None: the program named neither."""

    table: str | None
    key: str | None
    outcome: str
    reason: str


def _name(value: Any) -> str | None:
    return None if value is None else storable(str(value))


def _words(value: Any) -> str:
    return shown(str(value), MOST_WORDS)


def said(line: bytes | str) -> Said | None:
    """The answer in a line; None when it is none (a half one at a kill, a print of the program)."""
    try:
        facts: Any = json.loads(line)
        outcome = facts["outcome"]
        if outcome not in OUTCOMES:
            return None
        return Said(_name(facts.get("table")), _name(facts.get("key")), outcome, _words(facts.get("reason") or ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
