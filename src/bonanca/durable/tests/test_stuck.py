"""What is shown as stuck, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import translation

from bonanca.durable.models import Executor, PlanRun, PlanStep
from bonanca.durable.queries import get_run
from bonanca.durable.stuck import Stuck, stuck
from bonanca.durable.tests.world import claim, living_executor, plan
from bonanca.kernel.clock import utc_now

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def found(elapsed_s: float, **step: object) -> Stuck | None:
    """What is said of a plan whose first step has been running for so long."""
    run = plan({})
    claim(run.id, living_executor())
    now = utc_now()
    PlanStep.objects.filter(run=run.id).update(
        state="running", attempts=5, started_at=now - timedelta(seconds=elapsed_s), **step
    )
    return stuck(get_run(run.id), now)


@pytest.mark.parametrize(
    ("elapsed_s", "step"),
    [
        (5, {"expected_s": 1.0}),
        (29, {"expected_s": 10.0}),
        (47, {"expected_s": None, "timeout_s": 60}),
        (9, {"failures": 2, "error": "refused"}),
    ],
)
def test_what_takes_its_time_is_not_stuck(elapsed_s: float, step: dict[str, object]) -> None:
    assert found(elapsed_s, **step) is None


def test_far_longer_than_expected() -> None:
    said = found(12, expected_s=1.0, timeout_s=60)
    assert said is not None
    assert "12 s; about 1 s were expected" in said.why
    assert "60 s" in said.next_move
    assert "in 48 s" in said.next_move


def test_without_an_expectation() -> None:
    said = found(50, expected_s=None, timeout_s=60)
    assert said is not None
    assert "has been running for 50 s" in said.why


def test_tried_again_and_again_says_why_and_until_when() -> None:
    said = found(11, failures=4, error="connection refused", failing_for_s=11, retry_for_s=60)
    assert said is not None
    assert "failed 4 times: connection refused" in said.why
    assert "49 s" in said.next_move


def test_nobody_there_to_carry_it_out() -> None:
    run = plan({})
    PlanRun.objects.filter(pk=run.id).update(created_at=utc_now() - timedelta(seconds=60))
    Executor.objects.update(ended_at=Now())
    said = stuck(get_run(run.id), utc_now())
    assert said is not None
    assert "bonanca up" in said.next_move
    living_executor()
    assert stuck(get_run(run.id), utc_now()) is None
