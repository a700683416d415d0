"""What is stuck, for doctor and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bonanca.outbox.models import Delivery, OutboxEvent, PeriodicJob
from bonanca.outbox.state import DeliveryState


@dataclass(frozen=True)
class FailedDelivery:
    id: int
    event_id: UUID
    event_name: str
    subscriber: str
    state: str
    attempts: int
    error: str


@dataclass(frozen=True)
class FailingJob:
    name: str
    since: datetime
    failures: int
    error: str


def failed_deliveries() -> tuple[FailedDelivery, ...]:
    """Return deliveries that failed at least once and are not done, newest event first."""
    rows = (
        Delivery.objects.exclude(state=DeliveryState.DONE)
        .filter(attempts__gt=0)
        .select_related("event")
        .order_by("-event_id")[:200]
    )
    return tuple(
        FailedDelivery(r.pk, r.event_id, r.event.name, r.subscriber, r.state, r.attempts, r.last_error) for r in rows
    )


def failing_jobs() -> tuple[FailingJob, ...]:
    """Return the periodic jobs whose last run failed."""
    rows = PeriodicJob.objects.filter(failing_since__isnull=False).order_by("name")
    return tuple(FailingJob(r.name, r.failing_since, r.failures, r.last_error) for r in rows if r.failing_since)


def waiting() -> int:
    """Return how many events and deliveries have not been worked off."""
    return (
        OutboxEvent.objects.filter(fanned_out_at__isnull=True).count()
        + Delivery.objects.filter(state=DeliveryState.PENDING).count()
    )
