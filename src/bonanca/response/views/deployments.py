"""What a deployment would do, as it is shown before anybody starts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PinChoice:
    """A way of pinning the data before a change, with what it cost here the last time (None: never measured here).

    `held_s` are the seconds in which writes waited, `took_s` those in all, `back_s` what bringing the data back is
    expected to take beside the running service. `why_not` says what the service lacks for it (empty: it can be used).
    """

    kind: str
    label: str
    explanation: str
    declared: bool
    held_s: float | None
    took_s: float | None
    size_bytes: int | None
    measured_at: datetime | None
    shares_blocks: bool
    back_s: float | None
    why_not: str
