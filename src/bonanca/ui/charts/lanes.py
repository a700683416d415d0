"""What happened, on a time axis, a lane for each kind: backups, places, drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bonanca.ui.charts.figure import Chart
from bonanca.ui.charts.layout import time_ticks
from bonanca.ui.charts.time_series import MIDDLE, NARROW, RIGHT_PX, STYLE, WIDE, Size, named_axis
from bonanca.ui.formats import exact_text

LANE_PX, LEFT_PX, TOP_PX, BOTTOM_PX = 36, 12, 4, 24
# Colour is never alone: each meaning has a shape of its own.
SHAPES = {"calm": "circle", "risk": "diamond", "burning": "triangle-up", "accent": "square", "unknown": "cross"}
MOST_LETTERS = {NARROW.width: 40, MIDDLE.width: 64, WIDE.width: 100}
MOST_ROWS = 80


@dataclass(frozen=True)
class LaneMark:
    """One thing that happened: in which lane, when, what it means (a tone) and its words."""

    lane: str
    at: datetime
    tone: str
    words: str


def lanes_svg(
    lanes: Sequence[str],
    marks: Sequence[LaneMark],
    *,
    title: str,
    caption: str,
    columns: tuple[str, str],
    empty: str,
    since: datetime,
    until: datetime,
) -> Chart:
    """Return the chart of marks in lanes, the first lane on top; without marks it says `empty`."""
    within = [mark for mark in marks if since <= mark.at <= until]
    if not within:
        return Chart(title, "", (), columns, (), empty=empty)
    newest = sorted(within, key=lambda mark: mark.at, reverse=True)[:MOST_ROWS]
    return Chart(
        title=title,
        caption=caption,
        specifications=tuple(_specification(lanes, within, since, until, size) for size in (NARROW, MIDDLE, WIDE)),
        columns=columns,
        rows=[(exact_text(mark.at), f"{mark.lane}: {mark.words}") for mark in newest],
    )


def _specification(
    lanes: Sequence[str], marks: Sequence[LaneMark], since: datetime, until: datetime, size: Size
) -> dict[str, Any]:
    span = max(1.0, (until - since).total_seconds())
    ticks = [(round(seconds), name) for seconds, name in time_ticks(since, until, size.ticks)]
    x = {
        "field": "s",
        "type": "quantitative",
        "scale": {"domain": [0, span], "nice": False},
        "axis": named_axis(ticks) | {"grid": True},
    }
    height = LANE_PX * len(lanes)
    rows = {lane: LANE_PX * number for number, lane in enumerate(lanes)}
    names = [
        {
            "data": {"values": [{"s": 0, "name": _short(lane, MOST_LETTERS[size.width])}]},
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "top",
                "dx": 2,
                "fontSize": 11,
                "color": "var(--text-soft)",
            },
            "encoding": {"x": x, "y": {"value": top + 2}, "text": {"field": "name", "type": "nominal"}},
        }
        for lane, top in rows.items()
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": size.width - LEFT_PX - RIGHT_PX,
        "height": height,
        "padding": {"left": LEFT_PX, "right": RIGHT_PX, "top": TOP_PX, "bottom": BOTTOM_PX},
        "autosize": {"type": "none"},
        "background": "transparent",
        "layer": [*names, *_points(rows, marks, since, x)],
        "config": STYLE,
    }


def _points(
    rows: dict[str, int], marks: Sequence[LaneMark], since: datetime, x: dict[str, Any]
) -> list[dict[str, Any]]:
    """One layer for each lane and meaning: what burns is drawn last, over the rest."""
    groups: dict[tuple[str, str], list[dict[str, float]]] = {}
    for mark in marks:
        seconds = round((mark.at - since).total_seconds())
        groups.setdefault((mark.lane, mark.tone), []).append({"s": seconds})
    order = {tone: number for number, tone in enumerate(("unknown", "accent", "calm", "risk", "burning"))}
    return [
        {
            "data": {"values": values},
            "mark": {
                "type": "point",
                "filled": True,
                "opacity": 1,
                "shape": SHAPES[tone],
                "size": 70,
                "color": f"var(--{tone})",
            },
            "encoding": {"x": x, "y": {"value": rows[lane] + 24}},
        }
        for (lane, tone), values in sorted(groups.items(), key=lambda item: (rows[item[0][0]], order[item[0][1]]))
    ]


def _short(text: str, most: int) -> str:
    """The end of a long name: of a path it says more than its beginning."""
    return text if len(text) <= most else f"…{text[-most + 1 :]}"
