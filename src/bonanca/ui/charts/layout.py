"""Where things go on a time axis: nice bounds, ticks, and labels of moments that neither overlap nor are crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_datetime
from django.utils import timezone

from bonanca.ui.formats import babel_locale

CHARACTER_PX = 6.3  # of an 11 px system font, on the wide side
GAP_PX = 6.0
ROW_PX = 15
MAX_ROWS = 8
STEPS_S = (
    10,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14_400,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
)


@dataclass(frozen=True)
class Moment:
    """Something that happened, marked on the time axis.

    `kind` is change, detection, containment, recovery or note.
    """

    label: str
    at: datetime
    kind: str = "note"


@dataclass(frozen=True)
class Placed:
    """A moment's label: x of its line, row from the top, and to which side of its line it is written."""

    moment: Moment
    x: float
    row: int
    align: str
    left: float
    right: float


def nice_top(highest: float, tops: Sequence[float]) -> float:
    """Return the first of `tops` that leaves a little air above the highest value."""
    return next((top for top in tops if highest <= top * 0.95), max(tops[-1], highest * 1.05))


def time_ticks(since: datetime, until: datetime, most: int) -> list[tuple[float, str]]:
    """Return at most `most` ticks as (seconds after `since`, label), on round times of the active zone."""
    span = max(1.0, (until - since).total_seconds())
    step = next((step for step in STEPS_S if span / step <= most), int(span / most) + 1)
    start = timezone.localtime(since)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    past = (start - midnight).total_seconds()
    first = midnight + timedelta(seconds=-(-past // step) * step)
    form = "HH:mm:ss" if step < 60 else "HH:mm" if step < 86_400 else "d MMM"
    ticks = []
    at = first
    while at <= until:
        seconds = (at - since).total_seconds()
        ticks.append((seconds, str(format_datetime(timezone.localtime(at), form, locale=babel_locale()))))
        at += timedelta(seconds=step)
    return ticks


def place_moments(moments: Sequence[Moment], since: datetime, until: datetime, width: float) -> list[Placed]:
    """Return labels for the moments within the axis: in rows above the plot, at the side of their line with room.

    A label's line runs from its row down through the plot, so it must not cross a label of a lower row.
    """
    span = max(1.0, (until - since).total_seconds())
    within = [(m, (m.at - since).total_seconds() / span * width) for m in moments if since <= m.at <= until]
    right_side = sorted((pair for pair in within if pair[1] <= width / 2), key=lambda pair: pair[1])
    left_side = sorted((pair for pair in within if pair[1] > width / 2), key=lambda pair: -pair[1])
    placed: list[Placed] = []
    for moment, x in right_side + left_side:
        length = len(moment.label) * CHARACTER_PX + GAP_PX
        align = "left" if x <= width / 2 else "right"
        left, right = (x, x + length) if align == "left" else (x - length, x)
        rows = [Placed(moment, x, row, align, left, right) for row in range(MAX_ROWS)]
        placed.append(next((row for row in rows if not any(_clash(row, other) for other in placed)), rows[-1]))
    return placed


def _clash(one: Placed, other: Placed) -> bool:
    if one.row == other.row and one.left < other.right + GAP_PX and other.left < one.right + GAP_PX:
        return True
    upper, lower = (one, other) if one.row < other.row else (other, one)
    # Its own end of the label may touch the line: text begins a few pixels beside it.
    return lower.left + 1 < upper.x < lower.right - 1


def rows_used(placed: Sequence[Placed]) -> int:
    """Return how many rows of labels stand above the plot."""
    return max((label.row + 1 for label in placed), default=0)
