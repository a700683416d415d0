"""Increments of counters: nothing lost, nothing counted twice (requirement Y4)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bonanca.signals.counters import (
    CounterReading,
    Increase,
    add,
    increase_between,
    remembered,
    series_increase,
    spread,
)

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
OUTCOME = {"200": "good", "500": "failed", "held": "contained"}


def reading(started: float | None = 1.0, **series: float) -> CounterReading:
    return CounterReading({k.lstrip("_"): v for k, v in series.items()}, OUTCOME, started)


@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), max_size=60))
def test_the_sum_of_increments_is_what_happened_even_across_restarts(steps: list[tuple[int, bool]]) -> None:
    value, life, happened, counted = 0, 1.0, 0, 0
    last = reading(life, _200=0)
    for events, restart in steps:
        if restart:
            value, life = 0, life + 100
        value, happened = value + events, happened + events
        now = reading(life, _200=value)
        counted += increase_between(last, now).good
        last = remembered(last, now)
    assert counted == happened


@given(st.lists(st.integers(0, 10), min_size=1, max_size=50), st.data())
def test_without_a_process_start_a_decrease_is_read_as_a_restart(steps: list[int], data: st.DataObject) -> None:
    value, happened, counted, previous = 100.0, 0, 0, 100.0
    for events in steps:
        if data.draw(st.booleans()) and events < value:
            value = 0.0
        value, happened = value + events, happened + events
        counted += int(series_increase(previous, value, restarted=False))
        previous = value
    assert counted == happened


def test_the_first_look_counts_nothing_because_it_cannot_be_placed_in_time() -> None:
    assert increase_between(None, reading(_200=5000)) == Increase()


def test_a_series_born_after_the_first_look_counts_whole() -> None:
    assert increase_between(reading(_200=10), reading(_200=12, _500=3, held=2)) == Increase(2, 3, 2)


def test_a_series_that_vanishes_and_returns_unchanged_is_not_counted_again() -> None:
    whole = reading(_200=10, _500=7)
    cut = reading(_200=11)
    kept = remembered(whole, cut)
    assert increase_between(kept, reading(_200=12, _500=7)) == Increase(good=1)


def test_a_router_removed_and_born_again_counts_from_zero() -> None:
    kept = remembered(reading(held=40), reading())
    assert increase_between(kept, reading(held=3)) == Increase(contained=3)


def test_a_new_life_that_already_passed_the_old_value_counts_whole() -> None:
    assert increase_between(reading(1.0, _200=10), reading(99.0, _200=500)) == Increase(good=500)
    assert remembered(reading(1.0, _500=10), reading(99.0, _200=5)).series == {"200": 5}


@given(
    st.builds(Increase, st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000)),
    st.floats(0.001, 100_000),
)
def test_spreading_keeps_every_request_inside_the_interval(increase: Increase, seconds: float) -> None:
    until = T0 + timedelta(seconds=seconds)
    placed = spread(increase, since=T0, until=until)
    assert add(one for _at, one in placed) == increase
    assert all(T0 <= at <= until and at.microsecond == 0 for at, _one in placed)
    assert len({at for at, _one in placed}) == len(placed) <= 300


def test_an_outage_of_the_scrape_does_not_become_a_spike() -> None:
    placed = spread(Increase(good=600, failed=60), since=T0, until=T0 + timedelta(seconds=60))
    assert len(placed) == 60
    assert {one.total for _at, one in placed} == {11}
