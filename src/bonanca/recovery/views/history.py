"""A time of a service's backups as others see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.recovery.views.drills import DrillView


@dataclass(frozen=True)
class BackupPoint:
    """A backup on the time axis: `places` are (place, state, error)."""

    at: datetime
    state: str
    size_bytes: int
    error: str
    places: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class History:
    """`good`: the moments of good backups, with the last one before `since`."""

    since: datetime
    until: datetime
    backups: tuple[BackupPoint, ...]
    drills: tuple[DrillView, ...]
    good: tuple[datetime, ...]


@dataclass(frozen=True)
class PlaceCost:
    """What a place keeps: copies and their bytes, the oldest and the newest."""

    place: str
    copies: int
    size_bytes: int
    oldest: datetime | None
    newest: datetime | None
