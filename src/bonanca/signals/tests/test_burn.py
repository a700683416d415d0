"""The multi-window, multi-burn-rate rule and the error budget (requirement C14)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonanca.signals.budgets import BudgetPolicy, budget_of, charged_percent
from bonanca.signals.burn import Bucket, BurnRule, Count, burn_rate, burn_start, judge, window_label
from bonanca.signals.state import DeployStatus

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
RULE = BurnRule("critical", 10, 30, 5)
counts = st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)).map(lambda pair: Count(min(pair), max(pair)))


def test_a_burn_rate_of_one_spends_the_budget_exactly_in_the_window() -> None:
    assert burn_rate(0.001, 99.9) == pytest.approx(1)
    assert burn_rate(0.144, 99) == pytest.approx(14.4)


def test_an_objective_of_a_hundred_percent_has_no_budget() -> None:
    with pytest.raises(ValueError, match="below 100"):
        burn_rate(0.1, 100)


@given(counts, counts, counts, st.sampled_from([90.0, 99.0, 99.9]))
def test_it_fires_only_when_both_windows_burn(long: Count, short: Count, quiet: Count, objective: float) -> None:
    verdict = judge(RULE, objective, {30: long, 5: short, 10: quiet})
    both = burn_rate(long.ratio, objective) >= 10 and burn_rate(short.ratio, objective) >= 10
    assert verdict.firing == (both and long.bad >= 3)
    assert not (verdict.firing and verdict.quiet)


def test_one_bad_request_in_a_quiet_night_wakes_nobody() -> None:
    one = Count(1, 1)
    assert not judge(RULE, 99, {30: one, 5: one, 10: one}).firing


def test_between_firing_and_quiet_an_alert_keeps_its_state() -> None:
    verdict = judge(RULE, 99, {30: Count(50, 100), 5: Count(0, 20), 10: Count(10, 40)})
    assert not verdict.firing
    assert not verdict.quiet


def test_no_traffic_at_all_is_no_burn() -> None:
    none = Count(0, 0)
    verdict = judge(RULE, 99, {30: none, 5: none, 10: none})
    assert not verdict.firing
    assert verdict.quiet


def second(offset: int, bad: int, good: int = 10) -> Bucket:
    return Bucket(T0 + timedelta(seconds=offset), good, bad)


def test_the_start_of_a_burn_is_its_first_burning_bucket() -> None:
    buckets = [second(s, 0) for s in range(20)] + [second(s, 5) for s in range(20, 28)]
    assert burn_start(buckets, rule=RULE, objective_percent=99, fallback=T0) == T0 + timedelta(seconds=20)


def test_a_short_lull_belongs_to_the_run_and_an_old_burn_does_not() -> None:
    bad = {3, 4, 30, 31, 38, 39}
    buckets = [second(s, 5 if s in bad else 0) for s in range(40)]
    assert burn_start(buckets, rule=RULE, objective_percent=99, fallback=T0) == T0 + timedelta(seconds=30)


def test_contained_requests_have_failed() -> None:
    assert Bucket(T0, good=5, failed=1, contained=4).bad == 5


@given(counts.filter(lambda one: one.total > 0), st.sampled_from([50.0, 99.0, 99.9]))
def test_the_budget_is_the_allowed_share_of_the_events(count: Count, objective: float) -> None:
    figures = budget_of(count, objective)
    assert figures.allowed_bad == pytest.approx(count.total * (100 - objective) / 100)
    assert figures.spent_percent == pytest.approx(100 * count.bad / figures.allowed_bad)
    assert figures.remaining_percent + figures.spent_percent == pytest.approx(100)


def test_spent_may_exceed_a_hundred_percent_and_no_events_spend_nothing() -> None:
    assert budget_of(Count(5, 100), 99).spent_percent == pytest.approx(500)
    assert budget_of(Count(0, 0), 99).spent_percent == 0
    assert charged_percent(3, Count(9, 1000), 99) == pytest.approx(30)
    assert charged_percent(3, Count(0, 0), 99) == 0


@pytest.mark.parametrize(
    ("spent", "status"),
    [
        (0, "normal"),
        (49.9, "normal"),
        (50, "caution"),
        (75, "warning"),
        (89.9, "warning"),
        (90, "freeze"),
        (812, "freeze"),
    ],
)
def test_the_status_follows_what_was_spent(spent: float, status: str) -> None:
    assert BudgetPolicy().status(spent) == DeployStatus(status)


def test_a_policy_must_rise() -> None:
    with pytest.raises(ValueError, match="expected 0 <= caution <= warning <= freeze"):
        BudgetPolicy(caution_at=80, warning_at=50)


def test_windows_are_written_as_people_write_them() -> None:
    assert [window_label(s) for s in (5, 90, 300, 3600, 259200)] == ["5s", "90s", "5m", "1h", "3d"]
