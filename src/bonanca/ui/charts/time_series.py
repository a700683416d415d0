"""The two charts of the incident: what burns, and how much of the budget it has eaten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bonanca.ui.charts.figure import Chart
from bonanca.ui.charts.layout import ROW_PX, Moment, Placed, nice_top, place_moments, rows_used, time_ticks
from bonanca.ui.formats import clock_text, percent_text, unbroken

Points = Sequence[tuple[datetime, float | None]]

TOPS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 150.0, 200.0, 400.0, 1000.0, 2000.0, 4000.0, 10000.0)
TONE_OF_KIND = {
    "change": "var(--accent)",
    "detection": "var(--burning)",
    "containment": "var(--risk)",
    "recovery": "var(--calm)",
}
MOST_ROWS = 60


@dataclass(frozen=True)
class Size:
    width: int
    height: int
    ticks: int


NARROW = Size(width=340, height=130, ticks=4)
MIDDLE = Size(width=520, height=150, ticks=6)
WIDE = Size(width=800, height=160, ticks=9)
LEFT_PX, RIGHT_PX, BOTTOM_PX = 46, 10, 24


@dataclass(frozen=True)
class _Plot:
    """Everything one drawing needs; values are in percent."""

    points: Points
    moments: Sequence[Moment]
    since: datetime
    until: datetime
    color: str
    limit: float | None
    # What no value can exceed, if anything.
    ceiling: float | None = None


def error_ratio_svg(
    points: Points,
    moments: Sequence[Moment],
    *,
    title: str,
    target: float | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Chart:
    """Return the chart of an error ratio.

    Args:
        points: (time, share of failed requests from 0 to 1, or None where nothing was measured), in order.
        moments: change, detection, containment, recovery: vertical lines with their label.
        target: the share of errors that the SLO allows (0.01 for 99 %), a dashed line.
        since, until: the axis; by default the span of the points. Round them to 10 s, so that people who look at the
            same page share one drawing.
    """
    percent = [(at, None if value is None else value * 100) for at, value in points]
    limit = None if target is None else target * 100
    return _chart(percent, moments, title, "var(--burning)", limit, since, until, column=_("Errors"), ceiling=100.0)


def budget_burn_svg(
    points: Points,
    moments: Sequence[Moment],
    *,
    title: str,
    since: datetime | None = None,
    until: datetime | None = None,
    column: str = "",
) -> Chart:
    """Return the chart of a spent error budget: (time, percent spent; may exceed 100). The dashed line is all of it.

    `column` names what else is told in percent of a whole, such as the share of a threshold.
    """
    return _chart(points, moments, title, "var(--accent)", 100.0, since, until, column=column or _("Budget spent"))


def _chart(
    points: Points,
    moments: Sequence[Moment],
    title: str,
    color: str,
    limit: float | None,
    since: datetime | None,
    until: datetime | None,
    *,
    column: str,
    ceiling: float | None = None,
) -> Chart:
    known = [(at, value) for at, value in points if value is not None]
    columns = (_("Time"), column)
    if not known:
        return Chart(title, "", (), columns, (), empty=_("Nothing has been measured in this time."))
    plot = _Plot(
        points=points,
        moments=moments,
        since=since or points[0][0],
        until=until or points[-1][0],
        color=color,
        limit=limit,
        ceiling=ceiling,
    )
    return Chart(
        title=title,
        caption=_caption(known, limit if limit != 100 else None),
        specifications=tuple(_specification(plot, size) for size in (NARROW, MIDDLE, WIDE)),
        columns=columns,
        rows=[(clock_text(at), _percent(value)) for at, value in thin(known, MOST_ROWS) if value is not None],
        marks=[(clock_text(moment.at), moment.label) for moment in sorted(moments, key=lambda moment: moment.at)],
    )


def _percent(value: float) -> str:
    return percent_text(value, 0 if value >= 10 or value == round(value) else 1)


def _caption(known: Sequence[tuple[datetime, float]], limit: float | None) -> str:
    worst_at, worst = max(known, key=lambda point: point[1])
    words = {
        "worst": unbroken(_percent(worst)),
        "at": clock_text(worst_at),
        "last": unbroken(_percent(known[-1][1])),
    }
    text = _("Highest %(worst)s at %(at)s, last %(last)s.") % words
    if limit is not None:
        text += " " + _("Dashed: the %(limit)s that the objective allows.") % {"limit": unbroken(_percent(limit))}
    return text


def thin(points: Points, most: int) -> Points:
    """Return at most `most` points; each stands for its neighbours by the worst of them, so no peak is lost."""
    if len(points) <= most:
        return points
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [max(group, key=lambda point: -1.0 if point[1] is None else point[1]) for group in groups]


def _specification(plot: _Plot, size: Size) -> dict[str, Any]:
    """Return the Vega-Lite specification of one drawing.

    Written as plain data rather than through Altair: three drawings of a chart cost 1.4 s of validation there, with the
    interpreter's lock held, and the import another second at every start.
    """
    width = size.width - LEFT_PX - RIGHT_PX
    placed = place_moments(plot.moments, plot.since, plot.until, width)
    head = rows_used(placed) * ROW_PX
    highest = max(value for _at, value in plot.points if value is not None)
    top = nice_top(max(highest, plot.limit or 0), TOPS)
    if plot.ceiling is not None:
        top = min(top, plot.ceiling)
    x = {"field": "s", "type": "quantitative", "scale": _x_scale(plot), "axis": _time_axis(plot, size)}
    y = {
        "field": "v",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": _percent_axis(top),
    }
    gaps = "break-paths-filter-domains"
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "area", "color": plot.color, "opacity": 0.16, "invalid": gaps},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "line", "color": plot.color, "strokeWidth": 1.75, "invalid": gaps},
            "encoding": {"x": x, "y": y},
        },
    ]
    if plot.limit is not None:
        layers.append(
            {
                "data": {"values": [{"v": plot.limit}]},
                "mark": {"type": "rule", "color": "var(--text-soft)", "strokeDash": [4, 3]},
                "encoding": {"y": y},
            }
        )
    for label in placed:
        layers += _moment_layers(label, plot, x, size.height, head)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": width,
        "height": size.height,
        "padding": {"left": LEFT_PX, "right": RIGHT_PX, "top": head + 8, "bottom": BOTTOM_PX},
        "autosize": {"type": "none"},
        "background": "transparent",
        "data": {
            "values": [
                {"s": round((at - plot.since).total_seconds(), 1), "v": None if value is None else round(value, 3)}
                for at, value in thin(plot.points, size.width // 2)
            ]
        },
        "layer": layers,
        "config": STYLE,
    }


STYLE: dict[str, Any] = {
    "font": "sans-serif",
    "axis": {
        "labelColor": "var(--text-soft)",
        "labelFontSize": 11,
        "gridColor": "var(--line)",
        "domainColor": "var(--line-strong)",
        "tickColor": "var(--line-strong)",
        "tickSize": 4,
    },
    "view": {"stroke": None},
}


def _x_scale(plot: _Plot) -> dict[str, Any]:
    return {"domain": [0, max(1.0, (plot.until - plot.since).total_seconds())], "nice": False}


def named_axis(ticks: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Return an axis whose ticks and their words are ours: languages and zones are not vega's business here."""
    # Ten digits: a month has 2592000 seconds, which six would write as 2.592e+06.
    names = {f"{value:.10g}": name for value, name in ticks}
    return {
        "title": None,
        "values": [float(f"{value:.10g}") for value, _name in ticks],
        "labelExpr": f"{json.dumps(names, ensure_ascii=False)}[toString(datum.value)]",
        "labelOverlap": False,
        "labelFlush": False,
    }


def _time_axis(plot: _Plot, size: Size) -> dict[str, Any]:
    ticks = [(round(seconds), name) for seconds, name in time_ticks(plot.since, plot.until, size.ticks)]
    return named_axis(ticks) | {"grid": False}


def _percent_axis(top: float) -> dict[str, Any]:
    return named_axis([(value, _percent(value)) for value in (0.0, top / 2, top)]) | {"domain": False}


def _moment_layers(label: Placed, plot: _Plot, x: dict[str, Any], height: int, head: int) -> list[dict[str, Any]]:
    color = TONE_OF_KIND.get(label.moment.kind, "var(--text-soft)")
    y = {"value": -head + label.row * ROW_PX}
    seconds = round((label.moment.at - plot.since).total_seconds(), 1)
    data = {"values": [{"s": seconds, "label": label.moment.label}]}
    text = {
        "type": "text",
        "color": color,
        "align": label.align,
        "dx": 4 if label.align == "left" else -4,
        "fontSize": 11,
        "fontWeight": 600,
        "baseline": "top",
    }
    return [
        {
            "data": data,
            "mark": {"type": "rule", "color": color, "strokeWidth": 1.25},
            "encoding": {"x": x, "y": y, "y2": {"value": height}},
        },
        {"data": data, "mark": text, "encoding": {"x": x, "y": y, "text": {"field": "label", "type": "nominal"}}},
    ]
