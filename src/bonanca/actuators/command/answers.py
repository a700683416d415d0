"""What a service's own program says about the rows, jobs or messages that it was given: one JSON object a line.

`{"key": …, "outcome": "applied" | "duplicate" | "conflict", "reason": …}`, with `table` if it likes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

APPLIED, DUPLICATE, CONFLICT = "applied", "duplicate", "conflict"
OUTCOMES = (APPLIED, DUPLICATE, CONFLICT)


@dataclass(frozen=True)
class Said:
    """One answer. `table` and `key` None: the program named neither."""

    table: str | None
    key: str | None
    outcome: str
    reason: str


def said(line: bytes | str) -> Said | None:
    """The answer in a line; None when it is none (a half one at a kill, a print of the program)."""
    try:
        facts: Any = json.loads(line)
        outcome = facts["outcome"]
        if outcome not in OUTCOMES:
            return None
        key, table = facts.get("key"), facts.get("table")
        return Said(table, None if key is None else str(key), outcome, str(facts.get("reason") or ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
