"""The error budget of an objective and what it allows (requirement C14).

The error budget of a window is (1 - target) x events in it. What was spent may exceed 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass

from bonanca.signals.burn import Count, allowed_ratio
from bonanca.signals.state import DeployStatus


@dataclass(frozen=True)
class BudgetPolicy:
    """From which share of the budget spent (percent) deployments need care, a warning, or stop.

    The document that asks for the four words gives no figures; the usual ones are half, three quarters and nine
    tenths (all of it spent is too late to stop).
    """

    caution_at: float = 50.0
    warning_at: float = 75.0
    freeze_at: float = 90.0

    def __post_init__(self) -> None:
        if not 0 <= self.caution_at <= self.warning_at <= self.freeze_at:
            raise ValueError(
                "budget policy: expected 0 <= caution <= warning <= freeze percent spent, "
                f"got {self.caution_at}, {self.warning_at}, {self.freeze_at}"
            )

    @classmethod
    def parse(cls, text: str) -> BudgetPolicy:
        """Read `caution,warning,freeze` in percent spent, such as `50,75,90`; empty means the defaults.

        Raises:
            ValueError: not three rising numbers.
        """
        if not text.strip():
            return cls()
        try:
            caution, warning, freeze = (float(part) for part in text.split(","))
        except ValueError:
            raise ValueError(f"budget policy: expected three percentages such as 50,75,90 (got {text!r})") from None
        return cls(caution, warning, freeze)

    def status(self, spent_percent: float) -> DeployStatus:
        """The deploy status for a share of the budget spent."""
        if spent_percent >= self.freeze_at:
            return DeployStatus.FREEZE
        if spent_percent >= self.warning_at:
            return DeployStatus.WARNING
        if spent_percent >= self.caution_at:
            return DeployStatus.CAUTION
        return DeployStatus.NORMAL


@dataclass(frozen=True)
class BudgetFigures:
    """Events, the failures they allow, and the share of those that was spent (percent, may exceed 100)."""

    good: int
    bad: int
    total: int
    allowed_bad: float
    spent_percent: float

    @property
    def remaining_percent(self) -> float:
        """What is left; negative once more than everything was spent."""
        return 100.0 - self.spent_percent


def budget_of(count: Count, objective_percent: float) -> BudgetFigures:
    """The budget of one window from its events.

    Without events there is neither a budget nor anything spent: 0 %.
    """
    allowed = allowed_ratio(objective_percent) * count.total
    spent = 100.0 * count.bad / allowed if allowed else 0.0
    return BudgetFigures(count.total - count.bad, count.bad, count.total, allowed, spent)


def charged_percent(bad: int, window: Count, objective_percent: float) -> float:
    """The share (percent) of a window's budget that `bad` failures cost: how an incident is charged."""
    allowed = allowed_ratio(objective_percent) * window.total
    return 100.0 * bad / allowed if allowed else 0.0
