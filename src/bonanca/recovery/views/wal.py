"""The archived log as others see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RestorePointView:
    name: str
    lsn: str
    timeline: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class DamagedWal:
    """An archived file that a check found damaged or gone; `intact_in` are the places that still have it."""

    name: str
    errors: tuple[str, ...]
    intact_in: tuple[str, ...]


@dataclass(frozen=True)
class WalView:
    """How the log of a service is received and archived. Sizes in bytes; None: nothing was seen yet.

    `waiting` files are sealed here and not in every place; `reaches` is when the newest archived one was complete.
    Every file was read again since `checked_at`; None: not every one was.
    """

    running: bool
    lag_bytes: int | None
    seen_at: datetime | None
    slot: str
    error: str
    files: int
    size_bytes: int
    waiting: int
    reaches: datetime | None
    points: tuple[RestorePointView, ...]
    damaged: tuple[DamagedWal, ...] = ()
    checked_at: datetime | None = None
