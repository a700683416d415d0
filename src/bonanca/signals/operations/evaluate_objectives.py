"""Ask every objective of the catalog whether it burns."""

from __future__ import annotations

from datetime import datetime

from bonanca.access.actors import SYSTEM
from bonanca.signals.models import Alert
from bonanca.signals.objectives import all_objectives
from bonanca.signals.operations.evaluate_objective import Evaluated, evaluate_objective
from bonanca.signals.operations.resolve_alert import resolve_alert
from bonanca.signals.state import AlertState, Door


def evaluate_objectives(*, now: datetime) -> Evaluated:
    """Evaluate all objectives, each alert in its own transaction, and end the alerts of objectives that are gone."""
    objectives = all_objectives()
    results = [evaluate_objective(one, now=now) for one in objectives]
    orphans = Alert.objects.filter(door=Door.SLO, state=AlertState.FIRING).exclude(slo__in=[o.slug for o in objectives])
    withdrawn = sum(
        resolve_alert(alert_id, reason="withdrawn", ends_at=now, actor=SYSTEM("signals"), now=now)
        for alert_id in orphans.values_list("id", flat=True)
    )
    return Evaluated(
        fired=sum(one.fired for one in results),
        resolved=sum(one.resolved for one in results) + withdrawn,
        unknown=any(one.unknown for one in results),
    )
