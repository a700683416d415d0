"""Shapes so small that they are written directly: a sparkline in a table cell, ninety days of a component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bonanca.ui.formats import babel_locale

BAR_PX = 4
# A day's meaning is also its height: it can be read without its colour.
HEIGHTS = {"burning": 32, "risk": 26, "calm": 18, "unknown": 6}


@dataclass(frozen=True)
class DayBar:
    """One day of a component. `state` is a tone (burning, risk, calm, unknown); `minutes` is its disturbed time."""

    day: date
    state: str
    minutes: float = 0.0


def bars_90_days(days: Sequence[DayBar], *, title: str) -> SafeString:
    """Return a component's days as bars, oldest first: under 2 kB, for the public page. Bad days carry their text."""
    paths = []
    for state, height in HEIGHTS.items():
        if state in ("burning", "risk"):
            continue
        path = "".join(f"M{number * BAR_PX + 2} 32v-{height}" for number, day in enumerate(days) if day.state == state)
        if path:
            paths.append((f"var(--{state})", path))
    # Calm days stay in the background: the colour is kept for what burns.
    shapes = format_html_join("", '<path stroke="{}" stroke-opacity=".55" stroke-width="3" d="{}"/>', paths)
    bad = [(number, day) for number, day in enumerate(days) if day.state in ("burning", "risk")]
    shapes += format_html_join(
        "",
        '<path stroke="{}" stroke-width="3" d="M{} 32v-{}"><title>{}</title></path>',
        ((f"var(--{d.state})", n * BAR_PX + 2, HEIGHTS[d.state], _day_text(d)) for n, d in bad),
    )
    count = len(bad)
    summary = ngettext("%(count)s day with disturbance", "%(count)s days with disturbance", count) % {"count": count}
    if bad:
        summary += ": " + "; ".join(_day_text(day) for _number, day in bad)
    return format_html(
        '<svg class="bars" viewBox="0 0 {} 32" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        len(days) * BAR_PX,
        f"{title}. {summary}.",
        shapes,
    )


def _day_text(day: DayBar) -> str:
    name = format_date(day.day, "d MMM y", locale=babel_locale())
    minutes = max(1, round(day.minutes))
    words = {"day": name, "minutes": minutes}
    return _("%(day)s, %(minutes)s min") % words if day.minutes else name


def sparkline(
    values: Sequence[float | None], *, title: str, tone: str = "accent", top: float | None = None
) -> SafeString:
    """Return a line of about 6 rem for a table cell; `top` fixes the scale so that rows can be compared."""
    known = [value for value in values if value is not None]
    if not known:
        return mark_safe("")
    highest = top or max(known) or 1.0
    step = 100 / max(1, len(values) - 1)
    path, pen_up = "", True
    for number, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        y = 22 - 20 * min(1.0, max(0.0, value / highest))
        path += f"{'M' if pen_up else 'L'}{number * step:.1f} {y:.1f}"
        pen_up = False
    return format_html(
        '<svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}" fill="none" stroke="var(--{})" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>',
        title,
        path,
        tone,
    )
