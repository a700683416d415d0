"""What was said to the public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class UpdatePublished(Event):
    NAME: ClassVar[str] = "comms.update.published.v1"
    update_id: UUID
    incident_id: UUID
    service: str
    state: str
    text: str
    at: datetime
