"""Durations that were measured again and again, against what is allowed: recovery times of drills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bonanca.ui.charts.figure import Chart
from bonanca.ui.charts.layout import nice_top, time_ticks
from bonanca.ui.charts.time_series import BOTTOM_PX, MIDDLE, NARROW, RIGHT_PX, STYLE, WIDE, Size, named_axis, thin
from bonanca.ui.formats import duration_text, exact_text, unbroken

LEFT_PX = 70
TOPS = tuple(float(n) for n in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 21_600,
        43_200, 86_400, 172_800, 259_200, 432_000, 604_800, 2_592_000))  # fmt: skip
SHOWN_ROWS = 60
MOST_CIRCLES = 80


def durations_svg(
    points: Sequence[tuple[datetime, float]],
    *,
    title: str,
    column: str,
    allowed_s: float | None = None,
    since: datetime,
    until: datetime,
) -> Chart:
    """Return the chart of (moment, seconds), in order; `allowed_s` is a dashed line, and what exceeds it burns."""
    within = [(at, seconds) for at, seconds in points if since <= at <= until]
    columns = (_("Time"), column)
    if not within:
        return Chart(title, "", (), columns, (), empty=_("Nothing has been measured in this time."))
    worst = max(seconds for _at, seconds in within)
    words = {"worst": unbroken(duration_text(worst)), "last": unbroken(duration_text(within[-1][1]))}
    caption = _("Longest %(worst)s, last %(last)s.") % words
    if allowed_s is not None:
        caption += " " + _("Dashed: the %(limit)s that the objective allows.") % {
            "limit": unbroken(duration_text(allowed_s))
        }
    return Chart(
        title=title,
        caption=caption,
        specifications=tuple(_specification(within, allowed_s, since, until, size) for size in (NARROW, MIDDLE, WIDE)),
        columns=columns,
        rows=[(exact_text(at), duration_text(seconds)) for at, seconds in within[-SHOWN_ROWS:][::-1]],
    )


def _specification(
    points: Sequence[tuple[datetime, float]], allowed_s: float | None, since: datetime, until: datetime, size: Size
) -> dict[str, Any]:
    span = max(1.0, (until - since).total_seconds())
    top = nice_top(max([seconds for _at, seconds in points] + [allowed_s or 0.0]), TOPS)
    ticks = [(round(seconds), name) for seconds, name in time_ticks(since, until, size.ticks)]
    x = {
        "field": "s",
        "type": "quantitative",
        "scale": {"domain": [0, span], "nice": False},
        "axis": named_axis(ticks) | {"grid": False},
    }
    heights = [(value, duration_text(value)) for value in (0.0, top / 2, top)]
    y = {
        "field": "v",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": named_axis(heights) | {"domain": False},
    }
    # Each of the fewer points is the worst of its neighbours; where they stand close, the line says it without circles.
    shown = thin(points, size.width // 3)
    rows = [{"s": round((at - since).total_seconds()), "v": round(seconds or 0.0, 2)} for at, seconds in shown]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": rows},
            "mark": {"type": "line", "color": "var(--accent)", "strokeWidth": 1.5, "opacity": 0.6},
            "encoding": {"x": x, "y": y},
        }
    ]
    if allowed_s is not None:
        layers.append(
            {
                "data": {"values": [{"v": allowed_s}]},
                "mark": {"type": "rule", "color": "var(--text-soft)", "strokeDash": [4, 3]},
                "encoding": {"y": y},
            }
        )
    for over in (False, True):
        values = [row for row in rows if (allowed_s is not None and row["v"] > allowed_s) is over]
        if values and (over or len(rows) <= MOST_CIRCLES):
            shape, color = ("triangle-up", "var(--burning)") if over else ("circle", "var(--accent)")
            point = {"type": "point", "filled": True, "opacity": 1, "shape": shape, "size": 55, "color": color}
            layers.append({"data": {"values": values}, "mark": point, "encoding": {"x": x, "y": y}})
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": size.width - LEFT_PX - RIGHT_PX,
        "height": size.height,
        "padding": {"left": LEFT_PX, "right": RIGHT_PX, "top": 8, "bottom": BOTTOM_PX},
        "autosize": {"type": "none"},
        "background": "transparent",
        "layer": layers,
        "config": STYLE,
    }
