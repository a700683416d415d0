"""Where things go on a time axis: nice bounds, ticks, and labels of moments that neither overlap nor are crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_datetime
from django.utils import timezone

from bonanca.ui.formats import babel_locale

CHARACTER_PX = 7.0  # of a bold 11 px system font, on the wide side
GAP_PX = 6.0
ROW_PX = 15
MAX_ROWS = 6
MAX_LABELS = 7
LEFT_ROOM_PX = 40  # a label may stand above the axis' own labels
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
    """Return labels for the moments within the axis (7 at most): in as few rows above the plot as they need.

    A label's line runs from its row down through the plot, so it must not cross a label of a lower row.
    """
    span = max(1.0, (until - since).total_seconds())
    within = [(m, (m.at - since).total_seconds() / span * width) for m in moments if since <= m.at <= until]
    within = sorted(within, key=lambda pair: pair[1])[:MAX_LABELS]
    for most_rows in range(1, MAX_ROWS + 1):
        options = [_options(moment, x, width, most_rows) for moment, x in within]
        found = _search(options, [])
        if found is not None:
            return found
    # More than fits: the lines stay, each with its label in a row of its own.
    return [_options(moment, x, width, MAX_ROWS)[-1 - number] for number, (moment, x) in enumerate(within)]


def _options(moment: Moment, x: float, width: float, rows: int) -> list[Placed]:
    """Return every place of a label, the higher and the side with more room first."""
    length = len(moment.label) * CHARACTER_PX + GAP_PX
    sides = [("left", x, x + length), ("right", x - length, x)]
    if x > width / 2:
        sides.reverse()
    inside = [side for side in sides if side[1] >= -LEFT_ROOM_PX and side[2] <= width] or sides[:1]
    return [Placed(moment, x, row, align, left, right) for row in range(rows) for align, left, right in inside]


def _search(options: Sequence[Sequence[Placed]], placed: list[Placed]) -> list[Placed] | None:
    if not options:
        return placed
    for option in options[0]:
        if not any(_clash(option, other) for other in placed):
            found = _search(options[1:], [*placed, option])
            if found is not None:
                return found
    return None


def _clash(one: Placed, other: Placed) -> bool:
    if one.row == other.row and one.left < other.right + GAP_PX and other.left < one.right + GAP_PX:
        return True
    upper, lower = (one, other) if one.row < other.row else (other, one)
    # Its own end of the label may touch the line: text begins a few pixels beside it.
    return lower.left + 1 < upper.x < lower.right - 1


def rows_used(placed: Sequence[Placed]) -> int:
    """Return how many rows of labels stand above the plot."""
    return max((label.row + 1 for label in placed), default=0)
