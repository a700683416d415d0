"""Older data is in place, and nobody who was erased is in it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.recovery.events import ErasuresReapplied

ERASED = gettext_noop("Of %(registered)d people who were erased, %(back)d had come back and were erased again")


@reaction(ErasuresReapplied, "tell_timeline")
def tell_timeline(event: ErasuresReapplied, now: datetime) -> None:
    """Say it on the timeline of the incident."""
    if event.context.get("incident_id"):
        record_timeline(
            UUID(event.context["incident_id"]),
            kind=EntryKind.ACTION,
            text=ERASED,
            facts={"registered": event.registered, "back": event.back},
            key=f"run:{event.run_id}:erasures",
            at=event.at,
            actor=SYSTEM("recovery"),
            now=now,
        )
