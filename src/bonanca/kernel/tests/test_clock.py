"""A worker's time: the database's, carried on by a clock that nobody can set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bonanca.kernel import clock

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    # Whoever ran a worker in this process before has left its clock.
    clock.go_alone()
    yield
    clock.go_alone()


def leap(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    class Leapt(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + by

    monkeypatch.setattr(clock, "datetime", Leapt)


def test_one_that_follows_nobody_leaps_with_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    leap(monkeypatch, HOUR)
    assert clock.utc_now() - datetime.now(UTC) > HOUR / 2


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_one_that_follows_does_not(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    assert clock.follow(datetime.now(UTC)) == timedelta()
    leap(monkeypatch, by)
    assert abs(clock.utc_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_machine_whose_clock_is_wrong_from_the_start_goes_by_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    leap(monkeypatch, -HOUR)
    assert clock.follow(datetime.now(UTC)) > HOUR / 2
    assert abs(clock.utc_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_slow_answer_does_not_make_the_time_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.follow(datetime.now(UTC))
    before = clock.utc_now()
    clock.follow(datetime.now(UTC) - timedelta(seconds=1))
    assert clock.utc_now() >= before
