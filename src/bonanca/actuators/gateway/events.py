"""What other rooms may want to know of a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class DirectivePut(Event):
    """A service, or a part of it, was taken out at a gateway. `match` None means all of it."""

    NAME: ClassVar[str] = "gateway.directive.put.v1"
    key: str
    gateway: str
    service: str
    kind: str
    match: str | None
    expires_at: datetime
    at: datetime


@dataclass(frozen=True)
class DirectiveLifted(Event):
    """It was let in again by someone."""

    NAME: ClassVar[str] = "gateway.directive.lifted.v1"
    key: str
    gateway: str
    service: str
    match: str | None
    at: datetime


@dataclass(frozen=True)
class DirectiveExpired(Event):
    """It is let in again because its time was over; `at` is when that was."""

    NAME: ClassVar[str] = "gateway.directive.expired.v1"
    key: str
    gateway: str
    service: str
    match: str | None
    at: datetime
