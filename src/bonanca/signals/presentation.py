"""How this room's values are shown: words, tones. No markup, no queries."""

from __future__ import annotations

from dataclasses import dataclass

from bonanca.signals.state import DeployStatus, Health
from bonanca.signals.views import BudgetView, NowView

STATUS_TONE = {
    DeployStatus.NORMAL: "calm",
    DeployStatus.CAUTION: "risk",
    DeployStatus.WARNING: "risk",
    DeployStatus.FREEZE: "burning",
}
HEALTH_TONE = {Health.BURNING: "burning", Health.AT_RISK: "risk", Health.CALM: "calm", Health.UNKNOWN: "unknown"}


@dataclass(frozen=True)
class BudgetRow:
    """A budget with its word and tone. What is not measured has neither meaning nor colour.

    `left` is what a meter shows, 0..100: by how much more than everything was spent stands beside it in words.
    """

    budget: BudgetView
    word: str
    tone: str
    left: float | None


def budget_row(view: BudgetView) -> BudgetRow:
    """The row of an objective: while its source is unknown, the status is unknown too, never green."""
    if not view.measured:
        return BudgetRow(view, str(Health.UNKNOWN.label), "unknown", view.left_clamped if view.total else None)
    status = DeployStatus(view.status)
    return BudgetRow(view, str(status.label), STATUS_TONE[status], view.left_clamped)


@dataclass(frozen=True)
class NowRow:
    """A service's state with its word and tone."""

    view: NowView
    word: str
    tone: str


def now_row(view: NowView) -> NowRow:
    """The cell of a service."""
    health = Health(view.state)
    return NowRow(view, str(health.label), HEALTH_TONE[health])
