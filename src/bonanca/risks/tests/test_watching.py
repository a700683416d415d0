"""A contingency that nobody has practised, that failed or runs too long is an alert; it wakes nobody, and ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bonanca.incidents.models import Incident
from bonanca.risks.operations.watch_contingencies import watch_contingencies
from bonanca.risks.tests.test_contingencies import PAPER, begun, declare, walked
from bonanca.signals.models import Alert
from tests.support.loja import NOW
from tests.support.traces import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def declared() -> None:
    declare((PAPER,))


def burning(now: datetime) -> list[str]:
    watch_contingencies(now=now)
    return sorted(alert.labels["alertname"] for alert in Alert.objects.filter(state="firing"))


def test_one_that_nobody_has_practised_is_an_alert_until_somebody_does() -> None:
    assert burning(NOW) == ["ContingencyNever"]
    assert burning(NOW + timedelta(minutes=1)) == ["ContingencyNever"]
    assert Alert.objects.count() == 1
    walked(begun())
    assert burning(NOW + timedelta(minutes=2)) == []
    assert burning(NOW + timedelta(days=PAPER.exercise_every_days, minutes=1)) == ["ContingencyOverdue"]


def test_one_that_failed_is_an_alert_of_its_own() -> None:
    walked(begun(), ("done", "failed", "skipped"))
    assert burning(NOW) == ["ContingencyFailed"]


def test_one_that_runs_longer_than_it_can_be_kept_up() -> None:
    begun(exercise=False, reason="the checkout is away")
    assert "ContingencyOverTime" not in burning(NOW + timedelta(hours=3))
    assert "ContingencyOverTime" in burning(NOW + timedelta(hours=5))


def test_one_that_is_declared_no_more_burns_no_more() -> None:
    assert burning(NOW)
    declare(())
    assert burning(NOW) == []


def test_they_are_told_and_open_no_incident() -> None:
    assert burning(NOW)
    deliver(NOW)
    assert not Incident.objects.exists()
