"""What a plan would do, as it is shown before anybody approves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bonanca.response.views.criteria import Criteria, criteria_from_json


@dataclass(frozen=True)
class TableAtRisk:
    """Rows of one table that a data rollback would set aside, with a few of them to look at."""

    table: str
    written_since: int | None
    changed: int | None = None
    sample: tuple[dict[str, Any], ...] = ()
    # Why the table could not be counted; the numbers are then None, not zero.
    problem: str = ""


@dataclass(frozen=True)
class CheckResult:
    """A precondition of a plan. `text` is an English message id with named placeholders in `facts`."""

    passed: bool
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    # It does not stand in the way, and a person should have read it before they decide.
    warns: bool = False

    @property
    def words(self) -> str:
        return _(self.text) % self.facts


@dataclass(frozen=True)
class StepPreview:
    """One step as announced; `expected_s` in seconds, from earlier runs where there were any."""

    key: str
    kind: str
    title: str
    expected_s: float | None


@dataclass(frozen=True)
class Preview:
    """What a person sees before approving."""

    code_from: str
    code_to: str
    config_diff: str
    pinned_at: datetime | None
    rows_at_risk: tuple[TableAtRisk, ...]
    checks: tuple[CheckResult, ...]
    steps: tuple[StepPreview, ...]
    # What becomes of the data, and why it goes back, in the words of who asked.
    strategy: str = "instant"
    reason: str = ""
    criteria: Criteria = field(default_factory=Criteria)
    # Why two people have to agree: "rows" are at risk, the service's "policy" says so; empty: one commander is enough.
    four_eyes: str = ""

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def expected_s(self) -> float:
        return sum(step.expected_s or 0 for step in self.steps)

    @property
    def rows_may_be_lost(self) -> bool:
        """Whether rows are at risk: written since the pin, or in a table that could not be counted exactly."""
        return any(table.problem or table.changed is None for table in self.rows_at_risk) or self.rows_total > 0

    @property
    def rows_total(self) -> int:
        return sum((table.written_since or 0) + (table.changed or 0) for table in self.rows_at_risk)


def preview_from_json(data: dict[str, Any]) -> Preview:
    """Rebuild what was shown when the plan was proposed."""
    pinned = data.get("pinned_at")
    return Preview(
        code_from=data.get("code_from", ""),
        code_to=data.get("code_to", ""),
        config_diff=data.get("config_diff", ""),
        pinned_at=datetime.fromisoformat(pinned) if pinned else None,
        rows_at_risk=tuple(_table(t) for t in data.get("rows_at_risk", ())),
        checks=tuple(CheckResult(**c) for c in data.get("checks", ())),
        steps=tuple(StepPreview(**s) for s in data.get("steps", ())),
        strategy=data.get("strategy", "instant"),
        reason=data.get("reason", ""),
        criteria=criteria_from_json(data.get("criteria")),
        four_eyes=data.get("four_eyes", ""),
    )


def _table(data: dict[str, Any]) -> TableAtRisk:
    return TableAtRisk(**{**data, "sample": tuple(data.get("sample", ()))})
