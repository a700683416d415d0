"""End a drill: passed makes its backup *verified*; failed says why, and keeps what was seen."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from bonanca.access.actors import Actor
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import BackupFailed, BackupVerified, DrillFailed
from bonanca.recovery.folders import remove_scratch
from bonanca.recovery.models import Backup, BackupReplica, Drill
from bonanca.recovery.operations.record_copy import copy_damaged, copy_intact
from bonanca.recovery.queries.readiness import measure
from bonanca.recovery.state import BackupState, DrillState, backup_sources


def pass_drill(
    *,
    drill_id: UUID,
    restore_seconds: float,
    age_seconds: float,
    evidence: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> bool:
    """Record a drill that held every check; False when it was ended by somebody else."""
    with transaction.atomic():
        service = Drill.objects.values_list("backup__service", flat=True).get(pk=drill_id)
        evidence = evidence | {"objectives": asdict(measure(service, restore_seconds, now))}
        ended = _end(
            drill_id, DrillState.PASSED, evidence, now, restore_seconds=restore_seconds, age_seconds=age_seconds
        )
        if ended is None:
            return False
        backup = ended.backup
        Backup.objects.filter(pk=backup.id, state__in=backup_sources(BackupState.VERIFIED)).update(
            state=BackupState.VERIFIED, verified_at=now
        )
        _record_replicas(backup.id, evidence, now)
        facts = {"drill": str(drill_id), "restore_seconds": restore_seconds, "age_seconds": age_seconds}
        record(aggregate=f"backup:{backup.id}", action="drill.passed", actor=actor.label, facts=facts, now=now)
        publish(BackupVerified(backup.id, backup.service, drill_id, restore_seconds, age_seconds), now=now)
    return True


def fail_drill(
    *,
    drill_id: UUID,
    error: str,
    evidence: dict[str, Any],
    actor: Actor,
    now: datetime,
    backup_becomes: BackupState | None = None,
) -> bool:
    """Record a drill that failed, and remove what it left on disk; False when it was ended by somebody else.

    Args:
        backup_becomes: FAILED when no place has it any more, STORED when it is there and did not hold every check, so
            that it is not verified any more. None (a missing key, no room): the reason is not the backup.
    """
    remove_scratch(drill_id)
    with transaction.atomic():
        ended = _end(drill_id, DrillState.FAILED, evidence, now, error=error)
        if ended is None:
            return False
        backup = ended.backup
        _record_replicas(backup.id, evidence, now)
        state = BackupState(backup.state)
        if backup_becomes is not None and state in backup_sources(backup_becomes):
            state = backup_becomes
            Backup.objects.filter(pk=backup.id).update(state=state, error=error)
        if state is BackupState.FAILED:
            publish(BackupFailed(backup.id, backup.service, error), now=now)
        facts = {"drill": str(drill_id), "error": error, "backup": state.value}
        record(aggregate=f"backup:{backup.id}", action="drill.failed", actor=actor.label, facts=facts, now=now)
        publish(DrillFailed(backup.id, backup.service, drill_id, state.value, error), now=now)
    return True


def _end(drill_id: UUID, state: DrillState, evidence: dict[str, Any], now: datetime, **facts: Any) -> Drill | None:
    changed = Drill.objects.filter(pk=drill_id, state=DrillState.RUNNING).update(
        state=state, finished_at=now, evidence=evidence, **facts
    )
    return Drill.objects.select_related("backup").get(pk=drill_id) if changed else None


def _record_replicas(backup_id: UUID, evidence: dict[str, Any], now: datetime) -> None:
    for found in evidence.get("replicas", []):
        row = BackupReplica.objects.filter(backup_id=backup_id, place=found["place"])
        if found["ok"]:
            copy_intact(backup_id, found["place"], now=now)
        elif found["answered"]:
            copy_damaged(backup_id, found["place"], error=found["error"], now=now)
        else:  # it may well be intact: only the place does not answer
            row.update(error=found["error"])
