from __future__ import annotations

from django.db.models import TextChoices


class DeliveryState(TextChoices):
    PENDING = "pending"
    DONE = "done"
    # Tried often enough: a person looks at it and asks for another try.
    FAILED = "failed"


TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.DONE, DeliveryState.FAILED}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
    DeliveryState.DONE: frozenset(),
}
