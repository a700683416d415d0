"""What the rest of the house may hear about contingencies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class ContingencyStarted(Event):
    """People go on by other means while a service is away; `exercise`: they practise it. `name` is the team's."""

    NAME: ClassVar[str] = "risks.contingency.started.v1"
    use_id: UUID
    service: str
    contingency: str
    name: str
    exercise: bool
    incident_id: UUID | None
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True)
class ContingencyEnded(Event):
    """It is back to normal, or was ended early; `outcome` is done, failed or abandoned."""

    NAME: ClassVar[str] = "risks.contingency.ended.v1"
    use_id: UUID
    service: str
    contingency: str
    name: str
    exercise: bool
    incident_id: UUID | None
    outcome: str
    note: str
    actor: str
    at: datetime
