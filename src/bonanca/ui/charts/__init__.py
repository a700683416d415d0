"""Charts, drawn on the server: pages and documents read without JavaScript.

`error_ratio_svg`, `budget_burn_svg`, `durations_svg` and `lanes_svg` (Vega-Lite, drawn by vl-convert) return a `Chart`:
`{{ chart }}` in a page, `chart.svg` in a document. `bars_90_days` and `sparkline` are a few shapes each and are
written directly.
"""

from bonanca.ui.charts.durations import durations_svg
from bonanca.ui.charts.figure import Chart
from bonanca.ui.charts.lanes import LaneMark, lanes_svg
from bonanca.ui.charts.layout import Moment
from bonanca.ui.charts.small import DayBar, bars_90_days, sparkline
from bonanca.ui.charts.time_series import budget_burn_svg, error_ratio_svg

__all__ = [
    "Chart",
    "DayBar",
    "LaneMark",
    "Moment",
    "bars_90_days",
    "budget_burn_svg",
    "durations_svg",
    "error_ratio_svg",
    "lanes_svg",
    "sparkline",
]
