"""What a draft is made of: measured facts, collected when the incident resolves (requirement C4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bonanca.aftercare.queries import reexecutions, watches_of_incident
from bonanca.aftercare.views import WatchView
from bonanca.catalog.queries import get_service
from bonanca.delivery.queries import contents, get_change
from bonanca.incidents.queries import EntryView, IncidentView, get_incident, suspects
from bonanca.incidents.queries import timeline as incident_timeline
from bonanca.oncall.queries import pages_of
from bonanca.recovery.queries import set_aside_of_run
from bonanca.response.queries import containments_of, plans
from bonanca.signals.queries import budget, budget_spent_by, get_alert, impact, objectives, series


@dataclass(frozen=True)
class TimelineFact:
    """One row of the timeline; `text` is a message id with placeholders in `facts`, unless a person wrote it."""

    at: datetime
    kind: str
    actor: str
    text: str
    facts: dict[str, Any]
    written_by_person: bool


@dataclass(frozen=True)
class SuspectFact:
    """The change under suspicion, with why and what it brought."""

    change_id: UUID
    label: str
    title: str
    version: str
    changed_at: datetime
    reasons: list[tuple[str, dict[str, Any]]]
    files: list[str]
    commits: list[str]


@dataclass(frozen=True)
class DetectionFact:
    """How it was noticed; seconds from the first failure."""

    # A sender's words, or a phrase.
    summary: str | dict[str, Any]
    detect_s: float
    page_s: float | None
    acknowledge_s: float | None
    contain_s: float | None
    restore_s: float | None


@dataclass(frozen=True)
class ImpactFact:
    """Requests of the service while it lasted."""

    total: int
    failed: int
    contained: int


@dataclass(frozen=True)
class BudgetFact:
    """One objective: what this incident cost of its budget (percent), and what is left."""

    slo: str
    name: str
    objective: float
    window_s: int
    spent_by_incident_percent: float | None
    remaining_percent: float
    status: str
    # Failed requests that the objective allowed in its window.
    allowed_bad: float = 0.0


@dataclass(frozen=True)
class RowsFact:
    """What became of the rows that the rollback set aside: outcome → rows."""

    kept_database: str
    counts: dict[str, int]


@dataclass(frozen=True)
class WatchFact:
    """The closer look that followed: how it stands or ended, and what was counted in it."""

    state: str
    since: datetime
    until: datetime
    ended_at: datetime | None
    requests: int
    failed: int
    checks: int
    unseen_s: float
    # What it found, as phrases; what a person said who ended it.
    findings: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""


@dataclass(frozen=True)
class ReexecutionFact:
    """Failed work of the incident's time that was run again: items by outcome."""

    state: str
    since: datetime
    until: datetime
    counts: dict[str, int]


@dataclass(frozen=True)
class PointFact:
    """One point of the chart; `error_ratio` None when there was no traffic."""

    at: datetime
    width_s: float
    error_ratio: float | None
    rps: float | None
    bad: int = 0


@dataclass(frozen=True)
class Evidence:
    """Everything measured about one incident."""

    incident_id: UUID
    number: int
    # A person's words, or a phrase; `rollback` likewise.
    title: str | dict[str, Any]
    service: str
    service_name: str
    severity: str
    commander: str
    started_at: datetime
    detected_at: datetime
    resolved_at: datetime | None
    contained_at: datetime | None
    mitigated_at: datetime | None
    detection: DetectionFact
    impact: ImpactFact
    budgets: list[BudgetFact]
    timeline: list[TimelineFact]
    suspect: SuspectFact | None
    containments: list[str]
    rollback: str | dict[str, Any]
    rows: RowsFact | None
    points: list[PointFact] = field(default_factory=list)
    watches: list[WatchFact] = field(default_factory=list)
    reexecutions: list[ReexecutionFact] = field(default_factory=list)


def collect(incident_id: UUID, now: datetime) -> Evidence:
    """Read everything that the house knows of an incident.

    Raises:
        NotFound: there is no such incident.
    """
    incident = get_incident(incident_id)
    until = incident.resolved_at or now
    seen = impact(incident.service, incident.started_at, until)
    rollback = next((p for p in plans(incident_id=incident_id) if p.kind == "rollback" and p.run_id), None)
    rows = set_aside_of_run(rollback.run_id) if rollback and rollback.run_id else None
    return Evidence(
        incident_id=incident.id,
        number=incident.number,
        title=incident.title_phrase or incident.title,
        service=incident.service,
        service_name=get_service(incident.service).name,
        severity=incident.severity,
        commander=incident.commander_name,
        started_at=incident.started_at,
        detected_at=incident.detected_at,
        resolved_at=incident.resolved_at,
        contained_at=incident.contained_at,
        mitigated_at=incident.mitigated_at,
        detection=_detection(incident),
        impact=ImpactFact(seen.total, seen.failed, seen.contained),
        budgets=_budgets(incident, until, now),
        timeline=[_entry(e) for e in incident_timeline(incident_id)],
        suspect=_suspect(incident_id),
        containments=[c.match or c.service for c in containments_of(incident_id)],
        rollback=(rollback.title_phrase or rollback.title) if rollback else "",
        rows=RowsFact(rows.kept_database, dict(rows.counts)) if rows else None,
        points=_points(incident, until),
        watches=[_watch(one) for one in reversed(watches_of_incident(incident_id))],
        reexecutions=[
            ReexecutionFact(one.state, one.since, one.until, dict(one.counts))
            for one in reversed(reexecutions(incident_id=incident_id))
            if one.run_id is not None
        ],
    )


def _detection(incident: IncidentView) -> DetectionFact:
    def after(moment: datetime | None) -> float | None:
        return round((moment - incident.started_at).total_seconds(), 1) if moment else None

    page = next(iter(pages_of(incident.id)), None)
    alert = get_alert(incident.alert_id) if incident.alert_id else None
    return DetectionFact(
        summary=(alert.summary_phrase or alert.summary) if alert else "",
        detect_s=after(incident.detected_at) or 0.0,
        page_s=after(page.delivered_at) if page else None,
        acknowledge_s=after(incident.acknowledged_at),
        contain_s=after(incident.contained_at),
        restore_s=after(incident.mitigated_at),
    )


def _budgets(incident: IncidentView, until: datetime, now: datetime) -> list[BudgetFact]:
    spent = budget_spent_by(incident.service, incident.started_at, until)
    facts = []
    for objective in objectives(incident.service):
        left = budget(objective.slug, now)
        facts.append(
            BudgetFact(
                slo=left.slo,
                name=left.name,
                objective=left.objective,
                window_s=left.window_s,
                spent_by_incident_percent=round(spent, 2) if spent is not None else None,
                remaining_percent=round(left.remaining_percent, 2),
                status=str(left.status),
                allowed_bad=round(left.allowed_bad, 3),
            )
        )
    return facts


def _watch(one: WatchView) -> WatchFact:
    return WatchFact(
        state=one.state,
        since=one.started_at,
        until=one.until,
        ended_at=one.ended_at,
        requests=one.requests,
        failed=one.failed,
        checks=one.checks,
        unseen_s=round(one.unseen_s),
        findings=[finding.phrase.to_json() for finding in one.findings],
        reason=one.end_reason,
    )


def _entry(entry: EntryView) -> TimelineFact:
    return TimelineFact(entry.at, entry.kind, entry.actor, entry.recorded_text, entry.facts, entry.written_by_person)


def _suspect(incident_id: UUID) -> SuspectFact | None:
    first = next(iter(suspects(incident_id)), None)
    if first is None:
        return None
    change = get_change(first.change_id)
    brought = contents(change)
    return SuspectFact(
        change_id=change.id,
        label=change.label,
        title=first.title,
        version=first.version,
        changed_at=first.changed_at,
        reasons=list(first.reasons),
        files=[f"{f.path} (+{f.added or 0} −{f.removed or 0})" for f in brought.stat.files] if brought else [],
        commits=[f"{c.short} {c.subject}" for c in brought.commits] if brought else [],
    )


def _points(incident: IncidentView, until: datetime) -> list[PointFact]:
    margin = timedelta(seconds=max(30.0, 0.2 * (until - incident.started_at).total_seconds()))
    found = series(incident.service, incident.started_at - margin, until, max_points=120)
    return [PointFact(p.at, p.width_s, p.error_ratio, p.rps, p.bad) for p in found]


def burnt(evidence: Evidence) -> list[tuple[datetime, float]]:
    """Return (time, percent of the error budget that the incident had spent by then); empty when nothing was measured.

    Counted from the first failure on, against what the strictest objective allowed in its window; it may exceed 100.
    """
    allowed = min((b.allowed_bad for b in evidence.budgets if b.allowed_bad > 0), default=0.0)
    if not allowed or all(point.error_ratio is None for point in evidence.points):
        return []
    spent, total = [], 0
    for point in evidence.points:
        if point.at + timedelta(seconds=point.width_s) > evidence.started_at:
            total += point.bad
        spent.append((point.at, 100.0 * total / allowed))
    return spent
