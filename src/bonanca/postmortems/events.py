"""What the other rooms hear of post-mortems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class PostmortemDrafted(Event):
    NAME: ClassVar[str] = "postmortems.postmortem.drafted.v1"
    postmortem_id: UUID
    incident_id: UUID
    number: int
    at: datetime
