"""Drills as others see them. Durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.recovery.state import DrillState


@dataclass(frozen=True)
class DrillView:
    """One restore into a scratch server. `evidence`: checks, row counts, replicas and seconds per phase."""

    id: UUID
    backup_id: UUID
    service: str
    state: DrillState
    run_by: str
    started_at: datetime
    finished_at: datetime | None
    restore_seconds: float | None
    age_seconds: float | None
    evidence: Mapping[str, Any]
    error: str
