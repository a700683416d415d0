"""Reads of the SLO samples: sums of windows and buckets, each in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from bonanca.signals.burn import Bucket, Count
from bonanca.signals.models import ScrapeGap, SliSample, SliSource
from bonanca.signals.objectives import CounterSource

STALE_AFTER = timedelta(seconds=10)
FAILURES_UNTIL_UNKNOWN = 3
WIDEST_BUCKET = timedelta(seconds=60)


@dataclass(frozen=True)
class SourceHealth:
    """Whether a source can be believed at present, and since when it has been watched."""

    known: bool
    since: datetime | None = None
    scraped_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""


def health_of(source: CounterSource | None, now: datetime) -> SourceHealth:
    """The health of a source: unknown when never read, failing repeatedly, or not read for a while."""
    if source is None:
        return SourceHealth(known=False)
    row = SliSource.objects.filter(gateway=source.gateway).first()
    if row is None or row.scraped_at is None:
        error, failures = (row.last_error, row.failures) if row else ("", 0)
        return SourceHealth(
            known=False, failures=failures, failing_since=row.failing_since if row else None, error=error
        )
    return SourceHealth(
        known=row.failures < FAILURES_UNTIL_UNKNOWN and now - row.scraped_at <= STALE_AFTER,
        since=row.first_scraped_at,
        scraped_at=row.scraped_at,
        failures=row.failures,
        failing_since=row.failing_since,
        error=row.last_error,
    )


def window_counts(source: CounterSource, windows_s: Sequence[int], now: datetime) -> dict[int, Count]:
    """Events of the windows that end at `now`, by their length in seconds."""
    wanted = sorted(set(windows_s))
    if not wanted:
        return {}
    sums = ", ".join(
        "coalesce(sum(failed + contained) FILTER (WHERE at >= %s), 0)::bigint,"
        "coalesce(sum(good + failed + contained) FILTER (WHERE at >= %s), 0)::bigint"
        for _ in wanted
    )
    starts = [now - timedelta(seconds=seconds) for seconds in wanted]
    parameters = [start for start in starts for _ in range(2)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sums} FROM signals_slisample WHERE gateway = %s AND service = %s AND at >= %s AND at <= %s",  # noqa: S608
            [*parameters, source.gateway, source.service, min(starts), now],
        )
        row = cursor.fetchone()
    return {seconds: Count(row[2 * index], row[2 * index + 1]) for index, seconds in enumerate(wanted)}


def buckets_between(source: CounterSource, since: datetime, until: datetime) -> list[Bucket]:
    """The stored buckets that touch [since, until), in order of time; empty ones are absent."""
    rows = SliSample.objects.filter(
        gateway=source.gateway, service=source.service, at__gt=since - WIDEST_BUCKET, at__lt=until
    ).order_by("at")
    return [
        Bucket(at, good, failed, contained, width_s)
        for at, good, failed, contained, width_s in rows.values_list("at", "good", "failed", "contained", "width_s")
        if at + timedelta(seconds=width_s) > since
    ]


def gaps_between(source: CounterSource, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Times within [since, until] in which nobody could look."""
    rows = ScrapeGap.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=since), gateway=source.gateway, started_at__lt=until
    ).order_by("started_at")
    return [(max(gap.started_at, since), min(gap.ended_at or until, until)) for gap in rows]
