"""The frozen values that this room's queries return. Percentages are 0..100 (spent may exceed it), ratios 0..1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class BudgetView:
    """The error budget of one objective over its window that ends now.

    `measured` is False when its source cannot be believed at present (then the figures are the last known ones);
    `partial` when the history is shorter than the window.
    """

    slo: str
    name: str
    service: str
    objective: float
    window_s: int
    good: int
    bad: int
    total: int
    allowed_bad: float
    spent_percent: float
    remaining_percent: float
    status: str
    measured: bool
    partial: bool
    history_s: int

    @property
    def left_clamped(self) -> float:
        """What is left as a meter shows it, 0..100."""
        return min(100.0, max(0.0, self.remaining_percent))

    @property
    def error_ratio(self) -> float:
        """Share of failed requests over the window, 0..1."""
        return self.bad / self.total if self.total else 0.0


@dataclass(frozen=True)
class TightenedView:
    """One burn-rate rule, judged with a tighter threshold than its `usual` one; windows in seconds.

    `bad` and `total` are the events of the long window; while its source is not `known`, nothing fires.
    """

    slo: str
    name: str
    severity: str
    threshold: float
    usual: float
    long_s: int
    short_s: int
    long_burn: float
    short_burn: float
    bad: int
    total: int
    known: bool
    firing: bool

    @property
    def share_of_threshold(self) -> float:
        """How near it is to firing: 1 is at the threshold."""
        return min(self.long_burn, self.short_burn) / self.threshold if self.threshold else 0.0


@dataclass(frozen=True)
class DeployStatusView:
    """What the budgets of a service allow: its worst objective decides. `slo` is None without objectives."""

    service: str
    status: str
    spent_percent: float
    measured: bool
    slo: str | None = None


@dataclass(frozen=True)
class Point:
    """One point of a chart: [at, at + width_s). `error_ratio` is None without requests or when nobody could look."""

    at: datetime
    width_s: float
    error_ratio: float | None
    rps: float | None
    good: int = 0
    bad: int = 0
    total: int = 0
    watched: bool = True


@dataclass(frozen=True)
class NowView:
    """A service at this moment. `state` is burning, at_risk, calm or unknown; figures are None when unknown."""

    service: str
    state: str
    error_ratio: float | None
    rps: float | None
    reason: str = ""


@dataclass(frozen=True)
class ImpactView:
    """Requests of a service in a period. `failed` includes the contained ones: they failed for their users too."""

    service: str
    total: int
    failed: int
    contained: int
    first_bad_at: datetime | None
    last_bad_at: datetime | None
    failed_ratio: float


@dataclass(frozen=True)
class AlertView:
    """One alert as shown to people and machines."""

    id: UUID
    fingerprint: str
    door: str
    service: str
    slo: str
    severity: str
    state: str
    summary: str
    summary_phrase: dict[str, Any] | None
    starts_at: datetime
    detected_at: datetime
    seen_at: datetime
    expires_at: datetime | None
    ends_at: datetime | None
    generator_url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceView:
    """A gateway whose counters are read, and whether that works."""

    gateway: str
    known: bool
    scraped_at: datetime | None
    failing_since: datetime | None
    failures: int
    error: str
