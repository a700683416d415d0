"""Alerts of backups and drills that do not hold: one a condition, kept while it lasts, ended when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.recovery.queries.own import own_status
from bonanca.recovery.queries.places import places_of
from bonanca.recovery.queries.readiness import UNSCHEDULED_H, late, readiness
from bonanca.recovery.queries.wal import damaged_wal
from bonanca.recovery.state import BackupMark, DrillMark, ReplicaState
from bonanca.recovery.views.procedure import OwnStatus
from bonanca.recovery.views.readiness import Readiness
from bonanca.signals.operations.fire_alerts import NewAlert
from bonanca.signals.operations.settle_alerts import Settled, settle_alerts
from bonanca.signals.queries import fingerprint
from bonanca.signals.state import Door, Severity
from bonanca.ui.phrases import Phrase

BACKUP_FAILED = gettext_noop("%(service)s: the last backup failed")
BACKUP_OVERDUE = gettext_noop("%(service)s: no good backup for %(age_s)s, one is due every %(every_s)s")
DRILL_FAILED = gettext_noop("%(service)s: the last restore for proof failed")
DRILL_OVERDUE = gettext_noop("%(service)s: not restored for proof for %(age_s)s, a drill is due every %(every_s)s")
DRILL_NEVER = gettext_noop("%(service)s: its backups were never restored for proof")
RTO_MISSED = gettext_noop("%(service)s: came back in %(measured_s)s, the objective is %(objective_s)s")
RPO_MISSED = gettext_noop("%(service)s: up to %(measured_s)s of data may be lost, the objective is %(objective_s)s")
NAMES = frozenset(
    {
        *("BackupFailed", "BackupOverdue", "DrillFailed", "DrillNever", "DrillOverdue"),
        *("BackupCopyDamaged", "BackupCopyGivenUp", "WalDamaged"),
        *("OwnBackup", "RecoveryPointMissed", "RecoveryTimeMissed"),
    }
)
OWN_BACKUP = gettext_noop("Bonança's own database has no good backup in time")

WAL_DAMAGED = gettext_noop(
    "%(service)s: %(count)s files of the archived log are damaged, %(lost)s of them in every place"
)
COPY_DAMAGED = gettext_noop("%(service)s: %(count)s copies of backups are damaged, one of them in %(place)s")
COPY_GIVEN_UP = gettext_noop("%(service)s: %(count)s copies of backups were given up, one of them in %(place)s")


@dataclass(frozen=True)
class Condition:
    """What does not hold. `name` is the alert's; the facts of the summary say how much."""

    name: str
    severity: Severity
    text: str
    since: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)

    def labels(self, service: str) -> dict[str, str]:
        return {"alertname": self.name, "service": service, "severity": self.severity.value}


def watch_readiness(*, now: datetime) -> Settled:
    """Fire and resolve the alerts of every service that declares a backup.

    They wake nobody: no user suffers yet, and an incident of theirs would take the place of one that burns.
    """
    wanted = [
        _alert(row, condition, condition.labels(row.service), now)
        for row in readiness(now)
        for condition in conditions_of(row, now)
    ]
    status = own_status(now)
    if status.declared and status.problem:
        wanted.append(_own_alert(status, {"alertname": "OwnBackup", "severity": Severity.MEDIUM.value}, now))
    return settle_alerts(wanted, names=NAMES, by="recovery", now=now)


def conditions_of(row: Readiness, now: datetime) -> Iterator[Condition]:
    """What does not hold of a service's backups and drills; nothing when all is well."""
    yield from _of_backups(row, now)
    yield from _of_drills(row, now)
    yield from _of_places(row, now)
    yield from _of_log(row, now)


def _of_places(row: Readiness, now: datetime) -> Iterator[Condition]:
    unfinished = places_of(row.service).unfinished
    for state, name, severity, text in (
        (ReplicaState.DAMAGED, "BackupCopyDamaged", Severity.MEDIUM, COPY_DAMAGED),
        (ReplicaState.GIVEN_UP, "BackupCopyGivenUp", Severity.LOW, COPY_GIVEN_UP),
    ):
        found = [copy for copy in unfinished if copy.replica.state is state]
        if found:
            facts = {"service": row.service, "count": len(found), "place": found[0].replica.place}
            yield Condition(name, severity, text, now, facts, {"errors": [copy.replica.error for copy in found][:10]})


def _of_log(row: Readiness, now: datetime) -> Iterator[Condition]:
    found = damaged_wal(row.service)
    if found:
        lost = [one.name for one in found if not one.intact_in]
        facts = {"service": row.service, "count": len(found), "lost": len(lost)}
        evidence = {"errors": [error for one in found for error in one.errors][:10], "lost": lost[:10]}
        yield Condition("WalDamaged", Severity.MEDIUM, WAL_DAMAGED, now, facts, evidence)


def _of_backups(row: Readiness, now: datetime) -> Iterator[Condition]:
    facts = {"service": row.service}
    if row.backup_mark is BackupMark.FAILED:
        yield Condition(
            "BackupFailed", Severity.MEDIUM, BACKUP_FAILED, now, facts, evidence={"error": row.backup_error}
        )
    if row.last_good_at is not None and late(row.last_good_at, row.backup_every_h, now):
        facts |= _age(row.last_good_at, row.backup_every_h, now)
        yield Condition("BackupOverdue", Severity.MEDIUM, BACKUP_OVERDUE, row.last_good_at, facts)


def _of_drills(row: Readiness, now: datetime) -> Iterator[Condition]:
    facts: dict[str, Any] = {"service": row.service}
    drill, passed = row.last_drill, row.last_passed
    if row.drill_mark is DrillMark.FAILED and drill is not None:
        evidence = {"error": drill.error, "drill": str(drill.id)}
        yield Condition("DrillFailed", Severity.MEDIUM, DRILL_FAILED, drill.started_at, facts, evidence)
    first = row.first_good_at if row.drill_mark is DrillMark.NEVER else None
    if first is not None and late(first, row.drill_every_h or UNSCHEDULED_H, now):
        yield Condition("DrillNever", Severity.LOW, DRILL_NEVER, first, facts)
    if passed is None:
        return
    passed_at = passed.finished_at or passed.started_at
    if row.drill_every_h is not None and late(passed_at, row.drill_every_h, now):
        yield Condition(
            "DrillOverdue", Severity.LOW, DRILL_OVERDUE, passed_at, facts | _age(passed_at, row.drill_every_h, now)
        )
    found = row.objectives
    if found.rto_met is False:
        measured = facts | {"measured_s": found.rto_measured_s, "objective_s": found.rto_s}
        yield Condition("RecoveryTimeMissed", Severity.MEDIUM, RTO_MISSED, passed_at, measured)
    lost = max(found.rpo_measured_s or 0.0, row.unprotected_s or 0.0)
    if found.rpo_s is not None and lost > found.rpo_s:
        measured = facts | {"measured_s": round(lost), "objective_s": found.rpo_s}
        yield Condition("RecoveryPointMissed", Severity.MEDIUM, RPO_MISSED, passed_at, measured)


def _age(since: datetime, every_h: float, now: datetime) -> dict[str, Any]:
    return {"age_s": round((now - since).total_seconds()), "every_s": every_h * 3600}


def _own_alert(status: OwnStatus, labels: dict[str, str], now: datetime) -> NewAlert:
    return NewAlert(
        fingerprint=fingerprint(labels),
        door=Door.READINESS,
        service="",
        severity=Severity.MEDIUM,
        summary=Phrase(OWN_BACKUP, {}),
        starts_at=now,
        labels=labels,
        evidence={"problem": status.problem},
    )


def _alert(row: Readiness, condition: Condition, labels: dict[str, str], now: datetime) -> NewAlert:
    return NewAlert(
        fingerprint=fingerprint(labels),
        door=Door.READINESS,
        service=row.service,
        severity=condition.severity,
        summary=Phrase(condition.text, condition.facts),
        starts_at=min(condition.since, now),
        labels=labels,
        evidence=condition.evidence,
    )
