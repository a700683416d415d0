"""Reading what retention would do."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.queries import get_service
from bonanca.recovery.models import Backup, BackupReplica, Drill, Restore
from bonanca.recovery.queries.restores import restores_in_work
from bonanca.recovery.retention import Candidate, Decision, decide, needed_of
from bonanca.recovery.state import HOLDING, RESTORABLE, BackupState, DrillState, ReplicaState
from bonanca.recovery.views.retention import RetentionPlan, RetentionRow, digest_of

GOOD = (ReplicaState.STORED, ReplicaState.VERIFIED)


def retention_plan(service: str, now: datetime) -> RetentionPlan:
    """What stays and why, what goes, and the bytes that this frees in each place.

    Raises:
        NotFound: no such service.
    """
    declared = get_service(service)
    policy = declared.backup.retention if declared.backup is not None else None
    rows = Backup.objects.filter(service=service, state__in=RESTORABLE).prefetch_related("replicas")
    copies = {row.id: list(row.replicas.all()) for row in rows}
    candidates = [_candidate(row, copies[row.id]) for row in rows]
    if policy is None:
        newest_first = sorted(candidates, key=lambda c: c.taken_at, reverse=True)
        kept = tuple(RetentionRow(c.id, c.taken_at, True, (), c.size_bytes) for c in newest_first)
        return RetentionPlan(service, None, kept, {}, "")
    decisions = decide(candidates, policy, now=now, needed=needed_of(service) | _in_use(service))
    goes = [d.candidate.id for d in decisions if not d.stays]
    freed: Counter[str] = Counter()
    for backup_id in goes:
        for copy in copies[backup_id]:
            if copy.state in HOLDING:
                freed[copy.place] += copy.size_bytes
    shown = tuple(_row(decision) for decision in decisions)
    return RetentionPlan(service, asdict(policy), shown, dict(freed), digest_of(service, goes))


def _candidate(row: Backup, copies: list[BackupReplica]) -> Candidate:
    locks = [copy.locked_until for copy in copies if copy.locked_until is not None]
    return Candidate(
        id=row.id,
        taken_at=row.started_at,
        verified=row.state == BackupState.VERIFIED,
        intact=any(copy.state in GOOD for copy in copies),
        size_bytes=sum(copy.size_bytes for copy in copies if copy.state in HOLDING),
        locked_until=max(locks, default=None),
        copying=any(copy.state == ReplicaState.COPYING for copy in copies),
    )


def _in_use(service: str) -> dict[UUID, str]:
    drilled = Drill.objects.filter(backup__service=service, state=DrillState.RUNNING).values_list(
        "backup_id", flat=True
    )
    found = dict.fromkeys(drilled, _("a drill is restoring it"))
    if working := restores_in_work():
        restored = Restore.objects.filter(pk__in=working, service=service)
        found |= dict.fromkeys(restored.values_list("backup_id", flat=True), _("a restore is using it"))
    return found


def _row(decision: Decision) -> RetentionRow:
    found = decision.candidate
    why = tuple(reason.text for reason in decision.reasons)
    return RetentionRow(found.id, found.taken_at, decision.stays, why, found.size_bytes)
