"""What other rooms' pages show of signals: the chart of a service, its budget, its state at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from bonanca.access.permissions import Permission, require
from bonanca.signals import presentation, queries
from bonanca.signals.burn import allowed_ratio
from bonanca.ui.charts import Moment, error_ratio_svg
from bonanca.ui.panels import PanelContent, PanelContext, panel

DEFAULT_SPAN = timedelta(minutes=30)
SHORTEST_SPAN = timedelta(minutes=2)
CHART_POINTS = 180


@panel("signals:chart")
def chart(
    ctx: PanelContext,
    *,
    service: str,
    since: datetime | None = None,
    until: datetime | None = None,
    moments: Iterable[tuple[str, datetime, str]] = (),
) -> PanelContent:
    """Error ratio over [since, until] (the last 30 minutes) with moments marked: (label, at, kind).

    Kinds: change, detection, containment, recovery.
    """
    require(ctx.actor, Permission.READ)
    # Whole steps of ten seconds, so that everybody who looks at the page shares one drawing.
    end = _ten_seconds(min(until or ctx.now, ctx.now))
    begin = min(_ten_seconds(since), end - SHORTEST_SPAN) if since else end - DEFAULT_SPAN
    points = queries.series(service, begin, end, CHART_POINTS)
    impact = queries.impact(service, begin, end)
    svg = error_ratio_svg(
        [(point.at, point.error_ratio) for point in points],
        [Moment(label, at, kind) for label, at, kind in moments],
        title=_("Error ratio of %(service)s") % {"service": service},
        target=min((allowed_ratio(one.target) for one in queries.objectives(service)), default=None),
        since=points[0].at if points else begin,
        until=end,
    )
    unseen = any(not point.watched for point in points)
    return "signals/chart_panel.html", {"svg": svg, "impact": impact, "unseen": unseen, "since": begin, "until": end}


@panel("signals:budget")
def budget(ctx: PanelContext, *, service: str) -> PanelContent:
    """The error budgets of a service as meters with their status in words."""
    require(ctx.actor, Permission.READ)
    rows = [presentation.budget_row(view) for view in queries.budgets(ctx.now, service)]
    return "signals/budget_panel.html", {"rows": rows}


@panel("signals:budget_meter")
def budget_meter(ctx: PanelContext, *, service: str) -> PanelContent:
    """Only the meter of the objective that decides: for a table's cell."""
    require(ctx.actor, Permission.READ)
    views = queries.budgets(ctx.now, service)
    worst = max(views, key=lambda view: view.spent_percent, default=None)
    return "signals/budget_meter_panel.html", {"row": presentation.budget_row(worst) if worst else None}


@panel("signals:now")
def now(ctx: PanelContext, *, service: str) -> PanelContent:
    """The state of a service at this moment in one shape: error ratio, or the word when it is unknown."""
    require(ctx.actor, Permission.READ)
    return "signals/now_panel.html", {"row": presentation.now_row(queries.current(service, ctx.now))}


def _ten_seconds(at: datetime) -> datetime:
    """The next full ten seconds."""
    return datetime.fromtimestamp(-(-at.timestamp() // 10) * 10, tz=at.tzinfo)
