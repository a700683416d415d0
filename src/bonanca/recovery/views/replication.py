"""Replication as others see it. Durations in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.actuators.postgres.replication import KEPT_LOG

DROP_SLOT = f"SELECT pg_drop_replication_slot('{KEPT_LOG}')"


@dataclass(frozen=True)
class KeptSlot:
    """A slot that promotions use, and what drops it. `server`: "primary" or "standby"."""

    server: str
    held_bytes: int
    command: str


@dataclass(frozen=True)
class ReplicationView:
    """A service with a standby, as the last look found it (None: nobody has looked yet).

    `in_use`: a plan works on the two, or has since the last look. `awaited`: the last one made the standby the primary,
    and the old primary has not come back since.
    """

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
    kept_on_primary: int | None = None
    kept_on_standby: int | None = None
    closed: bool = False
    in_use: bool = False
    awaited: bool = False

    @property
    def lagging(self) -> bool:
        """Whether it is further behind than the service allows."""
        return (self.lag_s or 0.0) > self.max_lag_s or (self.lag_bytes or 0) > self.max_lag_bytes

    @property
    def holding(self) -> bool:
        """Whether a slot holds back more write-ahead log than allowed."""
        return (self.slot_bytes or 0) > self.max_wal_bytes

    @property
    def kept_slots(self) -> tuple[KeptSlot, ...]:
        """Where the log is kept that an old primary needs to come back by a rewind."""
        found = (("primary", self.kept_on_primary), ("standby", self.kept_on_standby))
        return tuple(KeptSlot(server, held, DROP_SLOT) for server, held in found if held is not None)

    @property
    def orphans(self) -> tuple[KeptSlot, ...]:
        """Those that nothing needs any more: they hold log back until the disk is full."""
        needed = self.in_use or (self.awaited and not self.healthy)
        return () if needed else self.kept_slots

    @property
    def left_closed(self) -> bool:
        """Whether the service's database takes no session although no plan works on it."""
        return self.closed and not self.in_use
