"""Charts, drawn on the server: pages and documents read without JavaScript.

`error_ratio_svg` and `budget_burn_svg` (Vega-Lite, drawn by vl-convert) return a `Chart`: `{{ chart }}` in a page,
`chart.svg` in a document. `bars_90_days` and `sparkline` are a few shapes each and are written directly.
"""

from bonanca.ui.charts.figure import Chart
from bonanca.ui.charts.layout import Moment
from bonanca.ui.charts.small import DayBar, bars_90_days, sparkline
from bonanca.ui.charts.time_series import budget_burn_svg, error_ratio_svg

__all__ = ["Chart", "DayBar", "Moment", "bars_90_days", "budget_burn_svg", "error_ratio_svg", "sparkline"]
