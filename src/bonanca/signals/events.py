"""What this room tells the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from bonanca.kernel.events import Event


@dataclass(frozen=True)
class AlertFiring(Event):
    """A condition began to burn. `starts_at` is measured (or the sender's), `service` may be empty."""

    NAME: ClassVar[str] = "signals.alert.firing.v1"

    alert_id: UUID
    fingerprint: str
    service: str
    severity: str
    summary: str
    starts_at: datetime
    slo: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    door: str = "slo"
    # The summary for readers of any language, when no sender wrote it.
    summary_phrase: dict[str, Any] | None = None


@dataclass(frozen=True)
class AlertResolved(Event):
    """A condition is over. `reason` is one of recovered, sender, timeout, withdrawn."""

    NAME: ClassVar[str] = "signals.alert.resolved.v1"

    alert_id: UUID
    fingerprint: str
    service: str
    severity: str
    summary: str
    starts_at: datetime
    ends_at: datetime
    slo: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    reason: str = "recovered"
    summary_phrase: dict[str, Any] | None = None
    door: str = "slo"
