"""The ledger, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bonanca.notify.models import Message
from bonanca.notify.state import MessageState


@dataclass(frozen=True)
class LedgerView:
    """One message and what became of it (times UTC)."""

    id: UUID
    key: str
    channel: str
    to: str
    subject: str
    body: str
    purpose: str
    state: str
    attempts: int
    queued_at: datetime
    delivered_at: datetime | None
    last_error: str

    @property
    def state_label(self) -> str:
        return str(MessageState(self.state).label)


def view(message: Message) -> LedgerView:
    """Return the model as a frozen value."""
    return LedgerView(**{name: getattr(message, name) for name in LedgerView.__dataclass_fields__})


def messages(*, prefix: str = "", limit: int = 200) -> tuple[LedgerView, ...]:
    """Return messages whose key begins with `prefix`, newest first."""
    rows = Message.objects.filter(key__startswith=prefix).order_by("-id")[:limit]
    return tuple(view(m) for m in rows)


def needing_a_person() -> tuple[LedgerView, ...]:
    """Return what was not delivered and will not be tried again by itself."""
    rows = Message.objects.filter(state__in=[MessageState.FAILED, MessageState.UNKNOWN]).order_by("-id")[:200]
    return tuple(view(m) for m in rows)
