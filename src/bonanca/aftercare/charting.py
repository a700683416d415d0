"""The chart of a watch: how near the service came to a tightened threshold, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bonanca.aftercare.views import SampleView, WatchView
from bonanca.ui.charts import Chart, Moment, budget_burn_svg

MOST_POINTS = 180


def nearness_of(watch: WatchView, samples: Sequence[SampleView]) -> Chart:
    """Percent of the nearest tightened threshold; at 100 the watch says that it came back."""
    moments = [Moment(_("came back"), watch.ended_at, "detection")] if watch.ended_at and watch.findings else []
    return budget_burn_svg(
        _thinned(samples),
        moments,
        title=_("How near to a tightened threshold"),
        column=_("Of the threshold"),
        since=watch.started_at.replace(second=0, microsecond=0),
        until=watch.ended_at or (samples[-1].at if samples else watch.until),
    )


def _thinned(samples: Sequence[SampleView]) -> list[tuple[datetime, float | None]]:
    """Of neighbours the worst stands for all; what nobody saw stays a gap."""
    size = -(-len(samples) // MOST_POINTS) or 1
    groups = [samples[start : start + size] for start in range(0, len(samples), size)]
    return [(group[0].at, max((100 * s.share for s in group if s.share is not None), default=None)) for group in groups]
