"""Alerts of contingencies that cannot be relied on, or run for longer than they can be kept up (requirement H3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.risks.queries import contingencies
from bonanca.risks.state import Mark
from bonanca.risks.views import ContingencyView
from bonanca.signals.operations.fire_alerts import NewAlert
from bonanca.signals.operations.settle_alerts import Settled, settle_alerts
from bonanca.signals.queries import fingerprint
from bonanca.signals.state import Door, Severity
from bonanca.ui.phrases import Phrase

NEVER = gettext_noop("%(service)s: the contingency “%(name)s” was never walked through")
FAILED = gettext_noop("%(service)s: the contingency “%(name)s” failed when it was last walked through")
OVERDUE = gettext_noop("%(service)s: the contingency “%(name)s” has to be walked through every %(days)d days")
OVER_TIME = gettext_noop(
    "%(service)s: the contingency “%(name)s” runs for longer than the %(hours)g h it can be kept up"
)
MARKS = {
    Mark.NEVER: ("ContingencyNever", Severity.LOW, NEVER),
    Mark.FAILED: ("ContingencyFailed", Severity.MEDIUM, FAILED),
    Mark.OVERDUE: ("ContingencyOverdue", Severity.LOW, OVERDUE),
}
NAMES = frozenset({"ContingencyOverTime", *(name for name, _severity, _text in MARKS.values())})


def watch_contingencies(*, now: datetime) -> Settled:
    """Fire and resolve the alerts of every declared contingency. They wake nobody, as those of backups and drills."""
    wanted = [alert for row in contingencies(now) for alert in _alerts(row, now)]
    return settle_alerts(wanted, names=NAMES, by="risks", now=now)


def _alerts(row: ContingencyView, now: datetime) -> Iterator[NewAlert]:
    if row.mark in MARKS:
        yield _alert(row, *MARKS[row.mark], now, {"days": row.declared.exercise_every_days})
    if row.over_time:
        yield _alert(row, "ContingencyOverTime", Severity.MEDIUM, OVER_TIME, now, {"hours": row.declared.max_h})


def _alert(
    row: ContingencyView, name: str, severity: Severity, text: str, now: datetime, facts: dict[str, Any]
) -> NewAlert:
    labels = {"alertname": name, "service": row.service, "contingency": row.declared.slug, "severity": severity.value}
    return NewAlert(
        fingerprint=fingerprint(labels),
        door=Door.READINESS,
        service=row.service,
        severity=severity,
        summary=Phrase(text, {"service": row.service, "name": row.declared.name, **facts}),
        starts_at=now,
        labels=labels,
    )
