from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from django.db import connection, transaction

from bonanca.access.actors import SYSTEM
from bonanca.kernel.errors import Conflict
from bonanca.kernel.events import Event
from bonanca.kernel.ids import new_id
from bonanca.outbox import registry
from bonanca.outbox.dispatch import MAX_ATTEMPTS, dispatch_due, fan_out
from bonanca.outbox.models import Delivery, OutboxEvent
from bonanca.outbox.operations.publish import publish
from bonanca.outbox.operations.retry_delivery import retry_delivery
from bonanca.outbox.queries import failed_deliveries

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Happened(Event):
    NAME: ClassVar[str] = "outbox.test.happened.v1"
    thing_id: UUID
    at: datetime


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(registry, "_SUBSCRIBERS", {})
    calls: list[str] = []

    def calm(event: Happened, now: datetime) -> None:
        calls.append(f"calm:{event.thing_id}")

    registry.reaction(Happened, "calm")(calm)
    return calls


def happen() -> Happened:
    event = Happened(new_id(), NOW)
    with transaction.atomic():
        publish(event, now=NOW)
    return event


@pytest.mark.django_db(transaction=True)
def test_each_subscriber_hears_an_event_once(heard: list[str]) -> None:
    event = happen()
    dispatch_due(NOW)
    dispatch_due(NOW + timedelta(hours=1))
    assert heard == [f"calm:{event.thing_id}"]


@pytest.mark.django_db(transaction=True)
def test_an_event_of_an_undone_transaction_is_never_heard(heard: list[str]) -> None:
    with transaction.atomic():
        publish(Happened(new_id(), NOW), now=NOW)
        transaction.set_rollback(True)
    dispatch_due(NOW)
    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_an_event_needs_the_transaction_that_makes_it_true() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        publish(Happened(new_id(), NOW), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_failing_subscriber_does_not_block_another_and_leaves_nothing_behind(heard: list[str]) -> None:
    def angry(event: Happened, now: datetime) -> None:
        OutboxEvent.objects.create(name="half.done", payload={}, occurred_at=now, fanned_out_at=now)
        raise ValueError("cannot")

    registry.reaction(Happened, "angry")(angry)
    event = happen()
    dispatch_due(NOW)
    assert heard == [f"calm:{event.thing_id}"]
    assert not OutboxEvent.objects.filter(name="half.done").exists()
    (failed,) = failed_deliveries()
    assert (failed.subscriber, failed.attempts) == ("angry", 1)
    assert "cannot" in failed.error


@pytest.mark.django_db(transaction=True)
def test_a_subscriber_that_recovers_is_tried_again_later(heard: list[str]) -> None:
    tries: list[int] = []

    def flaky(event: Happened, now: datetime) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")

    registry.reaction(Happened, "flaky")(flaky)
    happen()
    dispatch_due(NOW)
    dispatch_due(NOW)
    assert len(tries) == 1
    for minute in (1, 2, 3):
        dispatch_due(NOW + timedelta(minutes=minute))
    assert len(tries) == 3
    assert failed_deliveries() == ()


@pytest.mark.django_db(transaction=True)
def test_what_was_due_by_a_clock_that_was_set_back_does_not_wait_for_it(heard: list[str]) -> None:
    event = happen()
    fan_out(NOW + timedelta(hours=1))
    dispatch_due(NOW)
    assert heard == [f"calm:{event.thing_id}"]


@pytest.mark.django_db(transaction=True)
def test_what_failed_for_good_waits_for_a_person_who_can_ask_again(heard: list[str]) -> None:
    broken = [True]

    def angry(event: Happened, now: datetime) -> None:
        if broken:
            raise ValueError("cannot")

    registry.reaction(Happened, "angry")(angry)
    happen()
    for hour in range(MAX_ATTEMPTS + 3):
        dispatch_due(NOW + timedelta(hours=hour))
    delivery = Delivery.objects.get(subscriber="angry")
    assert (delivery.state, delivery.attempts) == ("failed", MAX_ATTEMPTS)
    broken.clear()
    retry_delivery(delivery.pk, actor=SYSTEM("test"), now=NOW)
    dispatch_due(NOW)
    delivery.refresh_from_db()
    assert delivery.state == "done"
    with pytest.raises(Conflict):
        retry_delivery(delivery.pk, actor=SYSTEM("test"), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_reaction_whose_transaction_was_ended_has_failed_and_holds_up_nobody(heard: list[str]) -> None:
    def silent(event: Happened, now: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
        time.sleep(0.5)  # what is tried is silence itself
        OutboxEvent.objects.count()

    registry.reaction(Happened, "a silent one")(silent)
    event = happen()
    dispatch_due(NOW)
    assert heard == [f"calm:{event.thing_id}"]
    (failed,) = failed_deliveries()
    assert (failed.subscriber, failed.attempts) == ("a silent one", 1)
    assert "idle-in-transaction" in failed.error
