"""What became of messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class MessageDelivered(Event):
    NAME: ClassVar[str] = "notify.message.delivered.v1"
    message_id: UUID
    key: str
    purpose: str
    to: str
    at: datetime


@dataclass(frozen=True)
class MessageFailed(Event):
    NAME: ClassVar[str] = "notify.message.failed.v1"
    message_id: UUID
    key: str
    purpose: str
    to: str
    error: str
