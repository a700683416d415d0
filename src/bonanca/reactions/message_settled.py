"""What became of a message matters to whoever had it sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.incidents.operations.record_timeline import record_timeline
from bonanca.incidents.state import EntryKind
from bonanca.notify.events import MessageDelivered, MessageFailed
from bonanca.oncall.operations.record_delivery import record_delivery
from bonanca.outbox.registry import reaction

UNREACHED = gettext_noop("The page to %(to)s could not be delivered: %(error)s")


@reaction(MessageDelivered, "record_page_delivery")
def record_page_delivery(event: MessageDelivered, now: datetime) -> None:
    """Mark the page that the message was."""
    record_delivery(event.key, at=event.at, now=now)


@reaction(MessageFailed, "tell_timeline")
def tell_timeline(event: MessageFailed, now: datetime) -> None:
    """A page that reached nobody is the incident's business."""
    kind, _, rest = event.key.partition(":")
    if kind == "page":
        record_timeline(
            UUID(rest.partition(":")[0]),
            kind=EntryKind.MESSAGE,
            text=UNREACHED,
            facts={"to": event.to, "error": event.error[:300]},
            key=f"unreached:{event.message_id}",
            actor=SYSTEM("notify"),
            now=now,
        )
