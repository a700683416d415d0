"""What the storm measured and whether each promise held."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


class CheckFailed(Exception):
    """A check without which the storm cannot go on did not hold."""


@dataclass
class Outcome:
    """The figures of one storm. Seconds count from the first failed request unless the name says otherwise."""

    detect_s: float | None = None
    page_s: float | None = None
    contain_s: float | None = None
    restore_s: float | None = None
    rollback_s: float | None = None
    requests_total: int = 0
    requests_failed: int = 0
    orders_confirmed: int = 0
    orders_lost: int = 0
    rows_reapplied: int = 0
    budget_spent_percent: float | None = None
    kills_survived: int = 0
    total_s: float = 0.0
    checks: dict[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(self.checks.values())

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self) | {"passed": self.passed}, indent=2) + "\n")
