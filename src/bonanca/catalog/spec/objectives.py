"""Service level objectives."""

from dataclasses import dataclass

SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class BurnAlert:
    """Fires when the budget burns `burn_rate` times too fast in both windows (SRE Workbook, chapter 5)."""

    severity: str
    burn_rate: float
    long_s: float
    short_s: float


@dataclass(frozen=True)
class SloSource:
    """Where good and total events come from: a gateway's counters of `service`, or two queries of a metrics store.

    `kind` is "gateway" or the lower-cased OpenSLO metric source type ("prometheus", …).
    """

    kind: str = "gateway"
    gateway: str | None = None
    service: str | None = None
    good: str | None = None
    bad: str | None = None
    total: str | None = None


@dataclass(frozen=True)
class SloSpec:
    """A service level objective: `objective` percent of the events of the last `window_s` seconds are good."""

    slug: str
    name: str
    objective: float
    window_s: float
    source: SloSource
    alerts: tuple[BurnAlert, ...] = ()
    description: str = ""
    budgeting: str = "occurrences"
    slice_s: float | None = None
    slice_target: float | None = None
