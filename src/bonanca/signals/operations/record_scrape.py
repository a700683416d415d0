"""Turn one look at a gateway's counters into SLO samples."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from bonanca.signals.counters import CounterReading, Increase, increase_between, remembered, same_life, spread
from bonanca.signals.models import ScrapeGap, SliCounter, SliSource

SAMPLE_UPSERT = """
INSERT INTO signals_slisample (gateway, service, at, width_s, good, failed, contained)
VALUES (%s, %s, %s, 1, %s, %s, %s)
ON CONFLICT (gateway, service, at, width_s) DO UPDATE SET
    good = signals_slisample.good + excluded.good,
    failed = signals_slisample.failed + excluded.failed,
    contained = signals_slisample.contained + excluded.contained
"""

LONGEST_SPREAD = timedelta(days=1)


@transaction.atomic
def record_scrape(
    *, gateway: str, readings: Mapping[str, CounterReading], process_started_at: float | None, now: datetime
) -> dict[str, Increase]:
    """Store what happened at a gateway since the last look, by service; return the increases.

    The row of the gateway is locked and the last raw values are stored beside the samples, in one transaction: two
    workers, a restarted worker and a restarted gateway count every request once. A look that is older than the last one
    is dropped, since its counters would read as a restart.
    """
    SliSource.objects.bulk_create([SliSource(gateway=gateway)], ignore_conflicts=True)
    source = SliSource.objects.select_for_update().get(gateway=gateway)
    if source.scraped_at is not None and now <= source.scraped_at:
        return {}
    if _restarted(source.process_started_at, process_started_at):
        # Also for services that nobody has asked for since: their old values belong to a life that is over.
        SliCounter.objects.filter(gateway=gateway).delete()
    stored = {counter.service: counter for counter in SliCounter.objects.filter(gateway=gateway)}
    increases: dict[str, Increase] = {}
    changed: list[SliCounter] = []
    rows: list[tuple[str, str, datetime, int, int, int]] = []
    for service, reading in sorted(readings.items()):
        known = stored.get(service)
        before = _before(source, known)
        kept = remembered(before, reading)
        if known is None or before is None or kept.series != before.series:
            changed.append(_row(gateway, service, kept))
        increase = increase_between(before, reading)
        increases[service] = increase
        if source.scraped_at is not None:
            since = max(source.scraped_at, now - LONGEST_SPREAD)
            rows += [
                (gateway, service, at, part.good, part.failed, part.contained)
                for at, part in spread(increase, since=since, until=now)
            ]
    SliCounter.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["gateway", "service"], update_fields=["series"]
    )
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(SAMPLE_UPSERT, rows)
    if source.failing_since is not None:
        ScrapeGap.objects.filter(gateway=gateway, ended_at__isnull=True).update(ended_at=now)
    SliSource.objects.filter(id=source.id).update(
        scraped_at=now,
        first_scraped_at=source.first_scraped_at or now,
        # An exposition without requests does not tell it.
        process_started_at=source.process_started_at if process_started_at is None else process_started_at,
        failures=0,
        failing_since=None,
        last_error="",
    )
    return increases


def _restarted(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and not same_life(before, after)


def _before(source: SliSource, known: SliCounter | None) -> CounterReading | None:
    """The reading before this one: None only at the first look at this gateway ever."""
    if source.scraped_at is None:
        return None
    series = known.series if known is not None else {}
    return CounterReading(
        series={name: value for name, (_outcome, value) in series.items()},
        outcome_of={name: outcome for name, (outcome, _value) in series.items()},
        process_started_at=source.process_started_at,
    )


def _row(gateway: str, service: str, reading: CounterReading) -> SliCounter:
    series = {name: [reading.outcome_of[name], value] for name, value in reading.series.items()}
    return SliCounter(gateway=gateway, service=service, series=series)
