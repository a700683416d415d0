"""What the catalog tells the other rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class ServiceDeclared(Event):
    """A service is new, has changed, or is back; `queries.get_service(service)` has what it is now."""

    NAME: ClassVar[str] = "catalog.service.declared.v1"
    service: str


@dataclass(frozen=True)
class ServiceRemoved(Event):
    """A service is no longer declared; its past stays readable."""

    NAME: ClassVar[str] = "catalog.service.removed.v1"
    service: str
