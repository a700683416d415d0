"""Ninety days of a component as bars."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bonanca.comms.queries import ComponentView
from bonanca.ui.charts.small import DayBar, bars_90_days

# From so many disturbed minutes on, a day was bad rather than disturbed.
BAD_DAY_MINUTES = 60


def day_bars(component: ComponentView) -> SafeString:
    """Return the drawing; a day without disturbance is calm."""
    days = [DayBar(day.day.date(), _tone(day.minutes_affected), day.minutes_affected) for day in component.days]
    return bars_90_days(days, title=_("The last 90 days of %(name)s") % {"name": component.name})


def _tone(minutes: int) -> str:
    if minutes == 0:
        return "calm"
    return "burning" if minutes >= BAD_DAY_MINUTES else "risk"
