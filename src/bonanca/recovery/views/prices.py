"""What pins have cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.recovery.state import PinKind


@dataclass(frozen=True)
class PinPrice:
    """What the last pin of a kind cost the service: seconds in which writes waited, seconds in all, bytes kept.

    `method` is how it was copied: `clone` (the file system shared the blocks), `copy`, `dump`, `log`.
    """

    kind: PinKind
    held_s: float | None
    took_s: float | None
    size_bytes: int | None
    taken_at: datetime
    method: str
