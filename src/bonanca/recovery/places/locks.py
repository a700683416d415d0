"""Until when a place itself keeps a copy from being removed (object lock)."""

from __future__ import annotations

from datetime import datetime, timedelta

from bonanca.recovery.places import spec_of


def lock_until(service: str, place: str, taken_at: datetime) -> datetime | None:
    """The declared days after the backup was taken; None: no lock is declared for the place."""
    days = spec_of(service, place).lock_days
    return taken_at + timedelta(days=days) if days else None
