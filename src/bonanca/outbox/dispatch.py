"""Deliver what the outbox holds: at least once, each subscriber on its own."""

from __future__ import annotations

import threading
import traceback
from datetime import datetime, timedelta

import psycopg
import structlog
from django.db import InternalError, connection, transaction
from django.db.models import Q

from bonanca.kernel.clock import utc_now
from bonanca.kernel.database import LOST, retrying
from bonanca.kernel.events import from_payload
from bonanca.outbox.models import Delivery, OutboxEvent
from bonanca.outbox.operations.publish import CHANNEL
from bonanca.outbox.registry import subscribers
from bonanca.outbox.state import DeliveryState

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 300.0


@retrying
@transaction.atomic
def fan_out(now: datetime) -> int:
    """Make the deliveries of the events that wait, oldest first; return how many events there were."""
    waiting = list(
        OutboxEvent.objects.select_for_update(skip_locked=True).filter(fanned_out_at__isnull=True).order_by("id")[:100]
    )
    Delivery.objects.bulk_create(
        [
            Delivery(event=event, subscriber=name, next_attempt_at=now)
            for event in waiting
            for name in subscribers(event.name)
        ],
        ignore_conflicts=True,
    )
    OutboxEvent.objects.filter(id__in=[event.id for event in waiting]).update(fanned_out_at=now)
    return len(waiting)


@retrying
def deliver_one(now: datetime) -> bool:
    """Take one due delivery and run it; False when none is due.

    A failing subscriber's writes are undone to the savepoint, and its failure is recorded with the
    time of the next try. That goes for one whose transaction PostgreSQL has ended, because it was silent for too
    long: done again at once it would meet the same, and keep the others waiting.
    """
    taken: list[Delivery] = []
    try:
        return _deliver(now, taken)
    except InternalError as ended:
        connection.close()
        if not taken:
            raise
        _record_failure(taken[0], ended, now)
        # Unless another worker has taken it meanwhile: its lock fell with the transaction.
        as_found = Delivery.objects.filter(pk=taken[0].pk, state=DeliveryState.PENDING, attempts=taken[0].attempts - 1)
        as_found.update(
            attempts=taken[0].attempts,
            state=taken[0].state,
            next_attempt_at=taken[0].next_attempt_at,
            last_error=taken[0].last_error,
        )
        return True


def _deliver(now: datetime, taken: list[Delivery]) -> bool:
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("event")
            .filter(_due(now), state=DeliveryState.PENDING)
            .order_by("next_attempt_at", "id")
            .first()
        )
        if delivery is None:
            return False
        taken.append(delivery)
        delivery.attempts += 1
        try:
            with transaction.atomic():
                _run(delivery, now)
        except LOST:
            raise
        except Exception as failure:  # noqa: BLE001 - recorded on the delivery, where doctor and pages show it
            _record_failure(delivery, failure, now)
        else:
            delivery.state = DeliveryState.DONE
            delivery.done_at = now
            delivery.last_error = ""
        delivery.save()
    return True


def _due(now: datetime) -> Q:
    """Its time has come, or is further away than any wait is: then a clock wrote it that was set back since."""
    return Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + timedelta(seconds=LONGEST_WAIT_S))


def _run(delivery: Delivery, now: datetime) -> None:
    handler = subscribers(delivery.event.name).get(delivery.subscriber)
    if handler is None:
        raise LookupError(f"no reaction is called {delivery.subscriber} in this release")
    handler(from_payload(delivery.event.name, delivery.event.payload), now)


def _record_failure(delivery: Delivery, failure: Exception, now: datetime) -> None:
    wait_s = min(FIRST_WAIT_S * 2 ** (delivery.attempts - 1), LONGEST_WAIT_S)
    delivery.next_attempt_at = now + timedelta(seconds=wait_s)
    delivery.last_error = "".join(traceback.format_exception(failure))[-4000:]
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.state = DeliveryState.FAILED
    log.error(
        "reaction failed",
        event_name=delivery.event.name,
        subscriber=delivery.subscriber,
        attempts=delivery.attempts,
        error=str(failure),
    )


def dispatch_due(now: datetime) -> int:
    """Fan out and deliver until nothing is due; return how many deliveries were tried."""
    tried = 0
    while fan_out(now):
        pass
    while deliver_one(now):
        tried += 1
    return tried


def serve(stop: threading.Event) -> None:
    """Deliver until told to stop; woken by PostgreSQL, and twice a second for what became due."""
    listener: psycopg.Connection | None = None
    while not stop.is_set():
        try:
            dispatch_due(utc_now())
            listener = _listen(listener)
            for _ in listener.notifies(timeout=0.5, stop_after=1):
                pass
        except (psycopg.OperationalError, psycopg.InterfaceError, *LOST):
            log.warning("the outbox lost its database; trying again")
            listener = None
            stop.wait(0.2)
    if listener is not None:
        listener.close()
    connection.close()


def _listen(listener: psycopg.Connection | None) -> psycopg.Connection:
    if listener is not None and not listener.closed:
        return listener
    parameters = {k: v for k, v in connection.get_connection_params().items() if k not in ("cursor_factory", "context")}
    parameters.pop("pool", None)
    fresh: psycopg.Connection = psycopg.connect(**parameters, autocommit=True)
    fresh.execute(f"LISTEN {CHANNEL}")
    return fresh
