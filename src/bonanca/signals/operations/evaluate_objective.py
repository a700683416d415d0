"""Ask one objective whether it burns (requirement C14; SRE workbook, chapter 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from bonanca.access.actors import SYSTEM
from bonanca.signals.budgets import budget_of
from bonanca.signals.burn import BurnRule, BurnVerdict, Count, burn_start, judge, window_label
from bonanca.signals.labels import fingerprint
from bonanca.signals.measurements import buckets_between, health_of, window_counts
from bonanca.signals.models import Alert
from bonanca.signals.objectives import CounterSource, Objective
from bonanca.signals.operations.fire_alerts import NewAlert, fire_alerts
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.state import AlertState, Door
from bonanca.ui.phrases import Phrase

ALERT_NAME = "SLOBurnRate"
BURNS = gettext_noop(
    "%(name)s: %(share)s %% of requests fail, budget burns %(burn)s times too fast (%(long)s and %(short)s)"
)
LOOK_BACK_AT_LEAST_S = 600
REFRESH_AFTER = timedelta(seconds=5)


@dataclass(frozen=True)
class Evaluated:
    """What one evaluation changed."""

    fired: int = 0
    resolved: int = 0
    unknown: bool = False


def evaluate_objective(objective: Objective, *, now: datetime) -> Evaluated:
    """Fire and resolve the objective's burn-rate alerts.

    While its source is unknown nothing changes: an alert neither begins nor ends on what nobody could see.
    """
    if objective.source is None or not objective.rules:
        return Evaluated(unknown=objective.source is None)
    if not health_of(objective.source, now).known:
        return Evaluated(unknown=True)
    windows = {seconds for rule in objective.rules for seconds in rule.windows_s} | {objective.window_s}
    counts = window_counts(objective.source, sorted(windows), now)
    open_alerts = {
        alert.fingerprint: alert
        for alert in Alert.objects.filter(door=Door.SLO, slo=objective.slug, state=AlertState.FIRING)
    }
    fired = resolved = 0
    for rule in objective.rules:
        verdict = judge(rule, objective.target, counts)
        alert = open_alerts.pop(fingerprint(_labels(objective, rule)), None)
        if alert is None and verdict.firing:
            fired += _fire(objective, objective.source, rule, verdict, counts, now)
        elif alert is not None and verdict.quiet:
            facts = {"at_end": _figures(rule, verdict)}
            resolved += resolve_alert(
                alert.id, reason="recovered", ends_at=now, actor=SYSTEM("signals"), now=now, evidence=facts
            )
        elif alert is not None and now - alert.seen_at >= REFRESH_AFTER:
            _refresh(alert, rule, verdict, now)
    for alert in open_alerts.values():
        # Its rule was taken out of the catalog: nobody asks that question any more.
        resolved += resolve_alert(alert.id, reason="withdrawn", ends_at=now, actor=SYSTEM("signals"), now=now)
    return Evaluated(fired, resolved)


def _labels(objective: Objective, rule: BurnRule) -> dict[str, str]:
    return {
        "alertname": ALERT_NAME,
        "service": objective.service,
        "slo": objective.slug,
        "severity": rule.severity,
        "window": rule.label,
    }


def _fire(
    objective: Objective,
    source: CounterSource,
    rule: BurnRule,
    verdict: BurnVerdict,
    counts: dict[int, Count],
    now: datetime,
) -> int:
    look_back = timedelta(seconds=max(4 * rule.long_s, LOOK_BACK_AT_LEAST_S))
    buckets = buckets_between(source, now - look_back, now + timedelta(seconds=1))
    start = burn_start(
        buckets,
        rule=rule,
        objective_percent=objective.target,
        fallback=min((b.at for b in buckets if b.bad), default=now),
    )
    labels = _labels(objective, rule)
    summary = _summary(objective, rule, verdict)
    budget = budget_of(counts[objective.window_s], objective.target)
    alert = NewAlert(
        fingerprint=fingerprint(labels),
        door=Door.SLO,
        service=objective.service,
        slo=objective.slug,
        severity=rule.severity,
        summary=summary,
        starts_at=min(start, now),
        labels=labels,
        annotations={"objective": objective.name, "summary": str(summary)},
        evidence={
            "at_detection": _figures(rule, verdict),
            "worst": _figures(rule, verdict),
            "budget_spent_percent": round(budget.spent_percent, 2),
            "source": {"gateway": source.gateway, "service": source.service},
        },
    )
    return len(fire_alerts([alert], actor=SYSTEM("signals"), now=now))


def _summary(objective: Objective, rule: BurnRule, verdict: BurnVerdict) -> Phrase:
    share = 100 * verdict.short.ratio
    return Phrase(
        BURNS,
        {
            "name": objective.service_name,
            "share": round(share) if share >= 10 else round(share, 1),
            "burn": round(verdict.short_burn, 1),
            "long": window_label(rule.long_s),
            "short": window_label(rule.short_s),
        },
    )


def _figures(rule: BurnRule, verdict: BurnVerdict) -> dict[str, Any]:
    return {
        "threshold": rule.burn_rate,
        "long": _window(rule.long_s, verdict.long, verdict.long_burn),
        "short": _window(rule.short_s, verdict.short, verdict.short_burn),
    }


def _window(seconds: int, count: Count, burn: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "bad": count.bad,
        "total": count.total,
        "error_ratio": round(count.ratio, 6),
        "burn_rate": round(burn, 3),
    }


@transaction.atomic
def _refresh(alert: Alert, rule: BurnRule, verdict: BurnVerdict, now: datetime) -> None:
    locked = Alert.objects.select_for_update().filter(id=alert.id, state=AlertState.FIRING).first()
    if locked is None:
        return
    worst = locked.evidence.get("worst", {}).get("short", {}).get("burn_rate", 0.0)
    if verdict.short_burn > worst:
        locked.evidence = {**locked.evidence, "worst": _figures(rule, verdict)}
    locked.seen_at = now
    locked.save(update_fields=["evidence", "seen_at"])
