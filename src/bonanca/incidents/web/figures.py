"""The figures at the head of an incident: what it has cost so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bonanca.incidents.queries import IncidentView
from bonanca.kernel.errors import NotFound
from bonanca.signals.queries import budget_spent_by, impact


@dataclass(frozen=True)
class Figures:
    """`spent_percent` of the error budget by this incident alone; None without an objective."""

    spent_percent: float | None
    failed: int
    total: int


def figures_of(incident: IncidentView, now: datetime) -> Figures | None:
    """Return what the incident has cost from its start until it was resolved, or until now.

    None when the catalog no longer knows the service.
    """
    until = incident.resolved_at or now
    try:
        seen = impact(incident.service, incident.started_at, until)
        spent = budget_spent_by(incident.service, incident.started_at, until)
    except NotFound:
        return None
    return Figures(spent, seen.failed, seen.total)
