"""Error ratio, burn rate and the multi-window, multi-burn-rate rule (Google SRE workbook, chapter 5; requirement C14).

Pure arithmetic. Ratios are 0..1, windows are seconds, a burn rate of 1 spends exactly the whole budget in the window of
the objective.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MIN_BAD_EVENTS = 3
"""With fewer failures in the long window nobody is woken: one bad request in a quiet night is no storm."""

MIN_QUIET_S = 10
"""An alert is over only after at least this long without burning, so that a flapping fault is one alert."""


@dataclass(frozen=True)
class Bucket:
    """Requests that fell into [at, at + width_s)."""

    at: datetime
    good: int
    failed: int
    contained: int = 0
    width_s: int = 1

    @property
    def bad(self) -> int:
        """Requests that failed for their user, whoever answered them."""
        return self.failed + self.contained

    @property
    def total(self) -> int:
        """All requests of the bucket."""
        return self.good + self.bad


@dataclass(frozen=True)
class Count:
    """Events of one window."""

    bad: int
    total: int

    @property
    def ratio(self) -> float:
        """Share of failed events, 0..1; 0 when there were none at all."""
        return self.bad / self.total if self.total else 0.0


@dataclass(frozen=True)
class BurnRule:
    """Fires while the burn rate over the long *and* the short window is at least `burn_rate`."""

    severity: str
    burn_rate: float
    long_s: int
    short_s: int

    @property
    def quiet_s(self) -> int:
        """How long it must stay below the threshold before it is over."""
        return max(2 * self.short_s, MIN_QUIET_S)

    @property
    def windows_s(self) -> tuple[int, int, int]:
        """The windows that an evaluation needs: long, short, quiet."""
        return (self.long_s, self.short_s, self.quiet_s)

    @property
    def label(self) -> str:
        """For people: `30s/5s`."""
        return f"{window_label(self.long_s)}/{window_label(self.short_s)}"


@dataclass(frozen=True)
class BurnVerdict:
    """What one evaluation of a rule saw and decided."""

    firing: bool
    quiet: bool
    long_burn: float
    short_burn: float
    long: Count
    short: Count


def burn_rate(ratio: float, objective_percent: float) -> float:
    """How many times faster than sustainable the budget is being spent.

    Raises:
        ValueError: the objective leaves no error budget (100 or more) or is negative.
    """
    return ratio / allowed_ratio(objective_percent)


def allowed_ratio(objective_percent: float) -> float:
    """The share of events that may fail, 0..1 exclusive of 0.

    Raises:
        ValueError: the objective is not in [0, 100).
    """
    if not 0 <= objective_percent < 100:
        raise ValueError(f"objective must be at least 0 and below 100 percent (got {objective_percent})")
    return (100 - objective_percent) / 100


def judge(rule: BurnRule, objective_percent: float, counts: Mapping[int, Count]) -> BurnVerdict:
    """Evaluate one rule on the counts of its windows (key: seconds).

    A history shorter than a window simply holds fewer events; ratios stay right, and `MIN_BAD_EVENTS` guards the start.
    `firing` and `quiet` are not opposites: between them an alert keeps the state it has (hysteresis).
    """
    long, short, quiet = (counts[seconds] for seconds in rule.windows_s)
    long_burn, short_burn, quiet_burn = (burn_rate(one.ratio, objective_percent) for one in (long, short, quiet))
    firing = long.bad >= MIN_BAD_EVENTS and min(long_burn, short_burn) >= rule.burn_rate
    return BurnVerdict(
        firing=firing,
        quiet=max(long_burn, short_burn, quiet_burn) < rule.burn_rate,
        long_burn=long_burn,
        short_burn=short_burn,
        long=long,
        short=short,
    )


def burn_start(buckets: Sequence[Bucket], *, rule: BurnRule, objective_percent: float, fallback: datetime) -> datetime:
    """When the burn that a rule has just found began: the first burning bucket of its unbroken run.

    A bucket burns when its own error ratio reaches the rule's threshold. Walking back from the newest, a stretch
    without a burning bucket that is longer than the rule's quiet time ends the run. `buckets` are in order of time.
    """
    threshold = min(rule.burn_rate * allowed_ratio(objective_percent), 1.0)
    start = fallback
    found = False
    for bucket in reversed(buckets):
        if not bucket.bad or bucket.bad / bucket.total < threshold:
            continue
        end = bucket.at + timedelta(seconds=bucket.width_s)
        if found and start - end > timedelta(seconds=rule.quiet_s):
            break
        start, found = bucket.at, True
    return start


def window_label(seconds: int) -> str:
    """A window as people write it: 30 s, 5m, 1h, 3d (without spaces)."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
