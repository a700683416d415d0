"""Replication as others see it. Durations in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ReplicationView:
    """A service with a standby, as the last look found it (None: nobody has looked yet)."""

    service: str
    team: str
    max_lag_s: float
    max_lag_bytes: float
    max_wal_bytes: float
    at: datetime | None
    healthy: bool | None
    lag_s: float | None
    lag_bytes: int | None
    wal_bytes: int | None
    slot_bytes: int | None
    checkpoint_age_s: float | None
    error: str

    @property
    def lagging(self) -> bool:
        """Whether it is further behind than the service allows."""
        return (self.lag_s or 0.0) > self.max_lag_s or (self.lag_bytes or 0) > self.max_lag_bytes

    @property
    def holding(self) -> bool:
        """Whether a slot holds back more write-ahead log than allowed."""
        return (self.slot_bytes or 0) > self.max_wal_bytes
