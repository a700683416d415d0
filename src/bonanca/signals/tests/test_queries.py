"""Budgets, deploy status, series, impact: figures that other rooms put in front of people (C14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from bonanca.kernel.errors import NotFound
from bonanca.signals import queries
from bonanca.signals.operations.record_scrape_failure import record_scrape_failure
from bonanca.signals.tests.cast import T0, Counters


def test_the_budget_is_one_percent_of_what_was_asked(counters: Counters) -> None:
    counters.run(90, good=10)
    at = counters.run(10, good=9, failed=1)
    view = queries.budget("loja-availability", at)
    assert (view.bad, view.total, view.allowed_bad) == (10, 1000, pytest.approx(10))
    assert (view.spent_percent, view.remaining_percent) == (pytest.approx(100), pytest.approx(0))
    assert (view.status, view.measured, view.partial, view.history_s) == ("freeze", True, True, 100)
    assert queries.deploy_status("loja-api", at).status == "freeze"
    assert queries.deploy_status("loja-api", at).slo == "loja-availability"


def test_the_window_forgets(counters: Counters) -> None:
    counters.run(10, good=5, failed=5)
    counters.at += timedelta(seconds=1900)
    at = counters.run(1, good=10)
    view = queries.budget("loja-availability", at)
    assert (view.bad, view.partial) == (0, False)


def test_a_service_without_objective_may_be_deployed_and_says_that_nothing_is_measured(db: None, shop: object) -> None:
    status = queries.deploy_status("estoque", T0)
    assert (status.status, status.measured, status.slo) == ("normal", False, None)
    assert queries.series("estoque", T0, T0 + timedelta(minutes=5)) == ()
    assert queries.budget_spent_by("estoque", T0, T0 + timedelta(minutes=5)) is None


def test_unknown_names_are_not_found(db: None, shop: object) -> None:
    with pytest.raises(NotFound, match="nope"):
        queries.budget("nope", T0)
    with pytest.raises(NotFound):
        queries.current("nope", T0)


def test_the_policy_is_a_setting(counters: Counters, settings: Any) -> None:
    at = counters.run(100, good=999, failed=1)
    assert queries.budget("loja-availability", at).status == "normal"
    settings.BUDGET_POLICY = "5,8,20"
    assert queries.budget("loja-availability", at).status == "warning"
    settings.BUDGET_POLICY = "five"
    with pytest.raises(ValueError, match="expected three percentages"):
        queries.budget("loja-availability", at)


def test_impact_counts_contained_requests_as_failed(counters: Counters) -> None:
    began = counters.run(10)
    counters.run(5, good=5, failed=5)
    counters.run(5, good=5, contained=5)
    ended = counters.run(10)
    shown = queries.impact("loja-api", T0, ended)
    assert (shown.total, shown.failed, shown.contained) == (300, 50, 25)
    assert shown.first_bad_at == began.replace(microsecond=0)
    assert shown.last_bad_at == began.replace(microsecond=0) + timedelta(seconds=10)
    assert shown.failed_ratio == pytest.approx(50 / 300)
    assert queries.budget_spent_by("loja-api", T0, ended) == pytest.approx(100 * 50 / 3)


def test_a_series_fits_its_chart_and_shows_where_nobody_looked(counters: Counters) -> None:
    counters.run(60, good=10)
    counters.run(60, good=8, failed=2)
    gap = counters.at
    record_scrape_failure(gateway="default", error="away", now=gap + timedelta(seconds=1))
    counters.at += timedelta(seconds=60)
    counters.run(30, good=0)
    points = queries.series("loja-api", T0 - timedelta(seconds=60), counters.at, max_points=30)
    assert len(points) <= 31
    assert sum(point.total for point in points) == 1200
    assert sum(point.bad for point in points) == 120
    before = [point for point in points if point.at < T0 - timedelta(seconds=10)]
    assert not any(point.watched for point in before)
    assert {point.error_ratio for point in before} == {None}
    lost = [p for p in points if gap + timedelta(seconds=10) < p.at < gap + timedelta(seconds=45)]
    assert lost
    assert not any(point.watched for point in lost)
    silent = [p for p in points if p.at > gap + timedelta(seconds=70)]
    assert {(point.watched, point.error_ratio, point.rps) for point in silent} == {(True, None, 0.0)}


def test_the_state_of_a_service_is_one_word(counters: Counters) -> None:
    at = counters.run(20, good=10)
    assert queries.current("loja-api", at) == queries.NowView("loja-api", "calm", 0.0, pytest.approx(10, abs=1))
    at = counters.run(5, good=8, failed=2)
    assert queries.current("loja-api", at).state == "at_risk"


def test_the_objectives_cost_few_queries(
    counters: Counters, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    counters.run(3)
    with django_assert_max_num_queries(3):
        queries.budgets(counters.at)
