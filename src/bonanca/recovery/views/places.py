"""What lies where, as others see it. Sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bonanca.recovery.views.backups import ReplicaView


@dataclass(frozen=True)
class PlaceView:
    """A place of a service: how many copies it holds and what they cost. `declared` False: it only keeps old ones."""

    place: str
    declared: bool
    lock_days: int
    copies: int
    size_bytes: int
    waiting: int
    damaged: int
    last_stored_at: datetime | None


@dataclass(frozen=True)
class UnfinishedCopy:
    """A copy that is not where it should be, or not as it should be."""

    backup_id: UUID
    taken_at: datetime
    wanted_bytes: int
    replica: ReplicaView

    @property
    def percent(self) -> float | None:
        """How much of it the place has; None: nothing is known."""
        if not self.wanted_bytes or not self.replica.bytes_done:
            return None
        return min(100.0, 100.0 * self.replica.bytes_done / self.wanted_bytes)


@dataclass(frozen=True)
class ServicePlaces:
    """Everything about where a service's backups lie. `costs`: place → bytes, over all its backups."""

    service: str
    min_copies: int
    places: tuple[PlaceView, ...]
    unfinished: tuple[UnfinishedCopy, ...]

    @property
    def size_bytes(self) -> int:
        """What all places hold together."""
        return sum(place.size_bytes for place in self.places)

    @property
    def costs(self) -> Mapping[str, int]:
        """Place → bytes."""
        return {place.place: place.size_bytes for place in self.places}
