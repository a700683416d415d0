"""Scrapes become samples: every request once, whatever restarts (requirement Y4)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum

from bonanca.signals import queries
from bonanca.signals.counters import CounterReading
from bonanca.signals.measurements import window_counts
from bonanca.signals.models import ScrapeGap, SliSample, SliSource
from bonanca.signals.objectives import CounterSource
from bonanca.signals.operations.record_scrape import record_scrape
from bonanca.signals.operations.record_scrape_failure import record_scrape_failure
from bonanca.signals.operations.sweep_samples import sweep_samples
from bonanca.signals.tests.cast import T0, Counters

SHOP = CounterSource("default", "loja-api")


def totals() -> tuple[int, int, int]:
    sums = SliSample.objects.aggregate(g=Sum("good"), f=Sum("failed"), c=Sum("contained"))
    return (sums["g"] or 0, sums["f"] or 0, sums["c"] or 0)


def test_requests_are_counted_by_the_second(counters: Counters) -> None:
    counters.run(5, good=10, failed=1, contained=2)
    assert totals() == (50, 5, 10)
    assert list(SliSample.objects.order_by("at").values_list("at", flat=True)) == [
        T0.replace(microsecond=0) + timedelta(seconds=s) for s in range(5)
    ]


def test_a_restart_of_the_gateway_loses_and_doubles_nothing(counters: Counters) -> None:
    counters.run(3, good=10)
    counters.restart()
    counters.run(3, good=10, failed=2)
    assert totals() == (60, 6, 0)


def test_a_restart_of_the_worker_loses_nothing(counters: Counters) -> None:
    counters.run(3)
    counters.at += timedelta(seconds=19)
    counters.good += 190
    counters.run(1)
    assert totals()[0] == 30 + 190 + 10
    assert SliSample.objects.aggregate(most=Sum("good"))["most"] == 230
    assert max(SliSample.objects.values_list("good", flat=True)) <= 12


def test_a_service_that_nobody_asked_for_since_a_restart_is_counted_from_zero(counters: Counters) -> None:
    counters.run(1, good=10)
    record_scrape(gateway="default", readings={}, process_started_at=2_000.0, now=T0 + timedelta(seconds=2))
    reading = CounterReading({"svc 2xx GET": 500}, {"svc 2xx GET": "good"}, 2_000.0)
    record_scrape(
        gateway="default",
        readings={"loja-api": reading},
        process_started_at=2_000.0,
        now=T0 + timedelta(seconds=3),
    )
    assert totals() == (510, 0, 0)


def test_a_look_that_is_older_than_the_last_is_dropped(counters: Counters) -> None:
    counters.run(3)
    counters.at -= timedelta(seconds=2)
    counters.good -= 15
    counters.scrape()
    assert totals() == (30, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_see_the_same_counters_count_them_once(shop: object) -> None:
    counters = Counters()
    counters.scrape()
    both = threading.Barrier(2)

    def worker(late: int) -> None:
        mine = Counters()
        mine.good, mine.failed = 100, 7
        mine.at = T0 + timedelta(seconds=1, microseconds=late)
        both.wait()
        mine.scrape()
        connection.close()

    threads = [threading.Thread(target=worker, args=(late,)) for late in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals() == (100, 7, 0)


def test_not_seeing_is_unknown_and_remembered(counters: Counters) -> None:
    at = counters.run(2)
    assert queries.current("loja-api", at).state == "calm"
    for second in (1, 2, 3):
        record_scrape_failure(gateway="default", error="refused", now=at + timedelta(seconds=second))
    now = at + timedelta(seconds=3)
    seen = queries.current("loja-api", now)
    assert (seen.state, seen.error_ratio, seen.reason) == ("unknown", None, "refused")
    assert not queries.budget("loja-availability", now).measured
    [source] = queries.sources(now)
    assert (source.known, source.failures, source.error) == (False, 3, "refused")

    counters.at = now
    counters.run(1)
    assert queries.current("loja-api", counters.at).state == "calm"
    gap = ScrapeGap.objects.get()
    assert (gap.started_at, gap.ended_at) == (at, counters.at)


def test_a_worker_that_stopped_looking_is_unknown_too(counters: Counters) -> None:
    at = counters.run(2)
    assert queries.current("loja-api", at + timedelta(seconds=11)).state == "unknown"


def test_a_gateway_never_read_is_unknown(db: None, shop: object) -> None:
    record_scrape_failure(gateway="default", error="no address", now=T0)
    assert queries.current("loja-api", T0).state == "unknown"
    assert queries.current("estoque", T0).state == "unknown"
    assert SliSource.objects.get().failures == 1


def test_old_seconds_become_minutes_and_no_request_is_lost(counters: Counters) -> None:
    counters.run(90, good=3, failed=1)
    later = T0 + timedelta(hours=7)
    assert sweep_samples(now=later).compacted == 2
    assert sweep_samples(now=later).compacted == 0
    assert totals() == (270, 90, 0)
    assert set(SliSample.objects.values_list("width_s", flat=True)) == {60}
    counts = window_counts(SHOP, [8 * 3600], later)
    assert (counts[8 * 3600].bad, counts[8 * 3600].total) == (90, 360)
    assert sweep_samples(now=T0 + timedelta(days=60)).removed == 2
