"""What the other rooms hear of changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class _Changed(Event):
    """Base of a change's events."""

    NAME: ClassVar[str] = "delivery.change.moved.v0"
    change_id: UUID
    number: int
    service: str
    version: str
    at: datetime


@dataclass(frozen=True)
class ChangeProposed(_Changed):
    NAME: ClassVar[str] = "delivery.change.proposed.v1"


@dataclass(frozen=True)
class ChangeDeploying(_Changed):
    NAME: ClassVar[str] = "delivery.change.deploying.v1"


@dataclass(frozen=True)
class ChangeDeployed(_Changed):
    NAME: ClassVar[str] = "delivery.change.deployed.v1"


@dataclass(frozen=True)
class ChangeFailed(_Changed):
    NAME: ClassVar[str] = "delivery.change.failed.v1"


@dataclass(frozen=True)
class ChangeRolledBack(_Changed):
    NAME: ClassVar[str] = "delivery.change.rolled_back.v1"
