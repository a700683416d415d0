"""A plan waits before data goes back: people have to look at what that would bring back (requirement D7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.outbox.registry import reaction
from bonanca.recovery.events import ReviewOpened
from bonanca.response.operations.ask_for_review import ask_for_review

WAITS = gettext_noop("The return of data waits for people: %(points)d points have to be looked at")


@reaction(ReviewOpened, "ask_people")
def ask_people(event: ReviewOpened, now: datetime) -> None:
    """Whoever is on call, and the team, get a link."""
    ask_for_review(event.review_id, service=event.service, points=event.points, now=now)


@reaction(ReviewOpened, "tell_timeline")
def tell_timeline(event: ReviewOpened, now: datetime) -> None:
    """Say on the timeline of the incident that it waits."""
    if event.context.get("incident_id"):
        record_timeline(
            UUID(event.context["incident_id"]),
            kind=EntryKind.ACTION,
            text=WAITS,
            facts={"points": event.points, "review_id": str(event.review_id)},
            key=f"review:{event.review_id}:opened",
            at=event.at,
            actor=SYSTEM("recovery"),
            now=now,
        )
