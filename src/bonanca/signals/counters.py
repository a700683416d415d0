"""Turning cumulative counters into increments: resets, births, gaps (requirement Y4).

Pure arithmetic: no clock, no database. Counts are whole requests, times are aware UTC datetimes.

A counter only ever grows while its process lives. It starts again from zero when the process restarts, and a single
series may vanish and be born again when the gateway's configuration changes. Between two looks at the counter we know
*how many* events happened, never *when*, which matters once a look was missed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

GOOD = "good"
FAILED = "failed"
CONTAINED = "contained"
OUTCOMES = (GOOD, FAILED, CONTAINED)

MAX_SPREAD_BUCKETS = 300
"""An outage of our own eyes becomes at most this many rows, however long it was."""


@dataclass(frozen=True)
class CounterReading:
    """One look at every series that makes up one SLI source.

    `series` maps a stable name of the series to its cumulative value; `outcome_of` says what that series counts.
    `process_started_at` (epoch seconds) identifies the life of the counting process where it is exposed.
    """

    series: Mapping[str, float]
    outcome_of: Mapping[str, str]
    process_started_at: float | None = None


@dataclass(frozen=True)
class Increase:
    """Requests that happened between two readings, by outcome. A contained request has failed for its user."""

    good: int = 0
    failed: int = 0
    contained: int = 0

    @property
    def bad(self) -> int:
        """Requests that failed for their user: at the service, or answered by a containment."""
        return self.failed + self.contained

    @property
    def total(self) -> int:
        """All requests."""
        return self.good + self.bad


def same_life(before: float | None, after: float | None) -> bool:
    """Whether two process starts (epoch seconds) are the same; where one is not exposed, it is taken to be."""
    return before is None or after is None or abs(after - before) <= 0.5


def series_increase(previous: float | None, current: float, *, restarted: bool) -> float:
    """Events counted by one series since `previous`.

    A series without a previous value was born since the last reading, so all of it counts. A value below the previous
    one, or a new life of the process, means that counting began again at zero (Prometheus' `increase` reads it so too).
    """
    if previous is None or restarted or current < previous:
        return max(current, 0.0)
    return current - previous


def increase_between(previous: CounterReading | None, current: CounterReading) -> Increase:
    """Requests between two readings of one source.

    Without a previous reading nothing is counted: what the counters held before our first look has no place in time.
    """
    if previous is None:
        return Increase()
    restarted = not same_life(previous.process_started_at, current.process_started_at)
    sums = dict.fromkeys(OUTCOMES, 0.0)
    for name, value in current.series.items():
        sums[current.outcome_of[name]] += series_increase(previous.series.get(name), value, restarted=restarted)
    return Increase(good=round(sums[GOOD]), failed=round(sums[FAILED]), contained=round(sums[CONTAINED]))


def remembered(previous: CounterReading | None, current: CounterReading) -> CounterReading:
    """What to store as the last reading: the current values, and those of series that are missing right now.

    A vanished series keeps its last value, so that an exposition that was cut short and then whole again is not counted
    twice. A new life of the process forgets them.
    """
    if previous is None or not same_life(previous.process_started_at, current.process_started_at):
        return current
    started = current.process_started_at if current.process_started_at is not None else previous.process_started_at
    return CounterReading(
        series={**previous.series, **current.series},
        outcome_of={**previous.outcome_of, **current.outcome_of},
        process_started_at=started,
    )


def floor_second(at: datetime) -> datetime:
    """The start of the one-second bucket that holds `at`."""
    return at.replace(microsecond=0)


def spread(increase: Increase, *, since: datetime, until: datetime) -> list[tuple[datetime, Increase]]:
    """Place an increase on one-second buckets between two readings.

    A usual interval (below two seconds) goes to the bucket of its middle: the unbiased guess. A longer one is spread
    evenly over at most `MAX_SPREAD_BUCKETS` buckets: putting it all on its last second would look like a storm that
    never was. The sum over the buckets is exactly the increase.
    """
    if increase.total == 0:
        return []
    seconds = (until - since).total_seconds()
    if seconds < 2:
        return [(floor_second(since + (until - since) / 2), increase)]
    parts = min(int(seconds), MAX_SPREAD_BUCKETS)
    step = timedelta(seconds=seconds / parts)
    placed: dict[datetime, Increase] = {}
    for index in range(parts):
        counts = (increase.good, increase.failed, increase.contained)
        piece = Increase(*(_share(count, index, parts) for count in counts))
        if piece.total:
            at = floor_second(since + step * (index + 0.5))
            placed[at] = add((placed.get(at, Increase()), piece))
    return sorted(placed.items())


def _share(count: int, index: int, parts: int) -> int:
    return count * (index + 1) // parts - count * index // parts


def add(increases: Iterable[Increase]) -> Increase:
    """The sum of increases."""
    good = failed = contained = 0
    for one in increases:
        good, failed, contained = good + one.good, failed + one.failed, contained + one.contained
    return Increase(good, failed, contained)


def from_epoch(seconds: float) -> datetime:
    """Epoch seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, tz=UTC)
