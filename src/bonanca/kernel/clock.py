"""The one place that reads the wall clock. Operations receive the time as an argument instead.

A worker goes by the clock of Bonança's PostgreSQL, which it hears with every heartbeat, carried forward by a clock that
nobody can set: when the wall clock of its machine leaps, its plans, expiries and retries do not.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# Two clocks that are no further apart count as equal: what lies between is the way to the database and back.
TOLERATED = timedelta(seconds=2)


class _Anchor(NamedTuple):
    moment: datetime
    at_s: float  # time.monotonic() at that moment


_anchor: _Anchor | None = None


def utc_now() -> datetime:
    """Return the present as an aware UTC datetime."""
    anchor = _anchor
    if anchor is None:
        return datetime.now(UTC)
    return anchor.moment + timedelta(seconds=time.monotonic() - anchor.at_s)


def follow(moment: datetime) -> timedelta:
    """Go by this clock from now on, in this process; returns by how much it differed when that was too much, else 0.

    Called again and again. While both agree the time goes on evenly: it never steps for a slow answer.
    """
    global _anchor
    mine, at_s = utc_now(), time.monotonic()
    off = moment - mine
    agreed = abs(off) <= TOLERATED
    if _anchor is None or not agreed:
        _anchor = _Anchor(mine if agreed else moment, at_s)
    return timedelta() if agreed else off


def go_alone() -> None:
    """Go by this machine's own clock again."""
    global _anchor
    _anchor = None
