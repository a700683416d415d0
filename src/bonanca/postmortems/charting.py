"""The charts of a post-mortem: the error ratio and the budget it burnt, with the moments that mattered."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.postmortems.evidence import Evidence, burnt
from bonanca.ui.charts import Chart, Moment, budget_burn_svg, error_ratio_svg


def chart_of(evidence: Evidence) -> Chart:
    """Return the chart, in the active language and time zone."""
    target = min((1 - b.objective / 100 for b in evidence.budgets), default=None)
    return error_ratio_svg(
        [(p.at, p.error_ratio) for p in evidence.points],
        _moments(evidence),
        title=_("Error ratio of %(service)s") % {"service": evidence.service_name},
        target=target,
    )


def budget_chart_of(evidence: Evidence) -> Chart | None:
    """Return the budget that the incident spent, as it was spent, or None without an objective that allows failures."""
    spent = burnt(evidence)
    if not spent:
        return None
    return budget_burn_svg(
        spent,
        _moments(evidence),
        title=_("Error budget of %(service)s spent by this incident") % {"service": evidence.service_name},
    )


def _moments(e: Evidence) -> list[Moment]:
    known = [
        (e.suspect.changed_at if e.suspect else None, e.suspect.label if e.suspect else "", "change"),
        (e.detected_at, _("detected"), "detection"),
        (e.contained_at, _("contained"), "containment"),
        (e.mitigated_at, _("brought back"), "recovery"),
    ]
    return [Moment(label=label, at=at, kind=kind) for at, label, kind in known if at is not None]
