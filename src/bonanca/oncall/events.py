"""What happens to pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class NobodyOnCall(Event):
    NAME: ClassVar[str] = "oncall.nobody_on_call.v1"
    incident_id: UUID
    team: str


@dataclass(frozen=True)
class PersonPaged(Event):
    NAME: ClassVar[str] = "oncall.page.sent.v1"
    page_id: UUID
    incident_id: UUID
    name: str
    email: str
    at: datetime


@dataclass(frozen=True)
class PageDelivered(Event):
    NAME: ClassVar[str] = "oncall.page.delivered.v1"
    page_id: UUID
    incident_id: UUID
    name: str
    at: datetime
