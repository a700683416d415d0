"""Write down what a return of data would bring back, and ask people about it before it does (requirement D7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import SYSTEM
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import ReviewOpened
from bonanca.recovery.models import Review, ReviewPoint
from bonanca.recovery.queries.privacy import get_review
from bonanca.recovery.state import ReviewState
from bonanca.recovery.views.privacy import ReviewView
from bonanca.ui.phrases import Phrase


@dataclass(frozen=True)
class NewPoint:
    """One thing to look at. `remedy` says what is done about it by itself; else a person writes what they do."""

    kind: str
    text: Phrase
    remedy: Phrase
    name: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    needs_note: bool = False


def open_review(
    *,
    key: str,
    run_id: UUID,
    service: str,
    points: Sequence[NewPoint],
    four_eyes: bool,
    context: dict[str, Any],
    now: datetime,
) -> ReviewView:
    """Record it once under its step's key; without points nobody is asked, and that is recorded too."""
    with transaction.atomic():
        row, created = Review.objects.get_or_create(
            key=key,
            defaults={
                "run_id": run_id,
                "service": service,
                "state": ReviewState.WAITING if points else ReviewState.NOTHING,
                "four_eyes": four_eyes,
                "created_at": now,
                "decided_at": None if points else now,
            },
        )
        if created:
            ReviewPoint.objects.bulk_create(
                ReviewPoint(
                    review=row,
                    number=number,
                    kind=point.kind,
                    name=point.name,
                    text=point.text.to_json(),
                    remedy=point.remedy.to_json(),
                    found=point.found,
                    needs_note=point.needs_note,
                )
                for number, point in enumerate(points, start=1)
            )
            facts = {"plan": str(run_id), "points": [point.name or point.kind for point in points]}
            actor = SYSTEM("recovery").label
            record(aggregate=f"review:{row.pk}", action="review.opened", actor=actor, facts=facts, now=now)
            if points:
                publish(ReviewOpened(row.pk, run_id, service, len(points), context, now), now=now)
    return get_review(row.pk)
