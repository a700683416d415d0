"""Say that a backup failed, and remove what it left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import BackupFailed
from bonanca.recovery.folders import staging_file
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.places import ReplicaProblem, place_of
from bonanca.recovery.state import BackupState, ReplicaState, backup_sources


def fail_backup(*, backup_id: UUID, error: str, actor: Actor, now: datetime) -> bool:
    """Mark a backup failed with its reason; False when it had ended otherwise. One transaction."""
    with transaction.atomic():
        sources = backup_sources(BackupState.FAILED)
        changed = Backup.objects.filter(pk=backup_id, state__in=sources).update(
            state=BackupState.FAILED, finished_at=now, error=error
        )
        if not changed:
            return False
        BackupReplica.objects.filter(backup_id=backup_id, state=ReplicaState.PENDING).update(
            state=ReplicaState.FAILED, error=_("not reached")
        )
        service = Backup.objects.values_list("service", flat=True).get(pk=backup_id)
        facts = {"service": service, "error": error}
        record(aggregate=f"backup:{backup_id}", action="backup.failed", actor=actor.label, facts=facts, now=now)
        publish(BackupFailed(backup_id, service, error), now=now)
    return True


def abandon(backup_id: UUID, *, now: datetime) -> bool:
    """Fail a backup whose process is gone, and remove its partial files here and in its places.

    A place that does not answer keeps its partial object and says so in the replica's row.
    """
    backup = Backup.objects.get(pk=backup_id)
    replicas = list(backup.replicas.all())
    error = _("The process that took it ended before it was done.")
    if not fail_backup(backup_id=backup_id, error=error, actor=SYSTEM("recovery"), now=now):
        return False
    staging_file(backup_id).unlink(missing_ok=True)
    remove_parts(backup, replicas)
    return True


def remove_parts(backup: Backup, replicas: Iterable[BackupReplica]) -> None:
    """Remove what a failed backup left in places; one that does not answer keeps it, and its row says so."""
    for replica in replicas:
        try:
            place_of(backup.service, replica.place).remove(backup.object_name)
        except ReplicaProblem as problem:
            BackupReplica.objects.filter(pk=replica.pk).update(
                error=_("A part of it may be left there: %(reason)s") % {"reason": problem.message}
            )
        else:
            BackupReplica.objects.filter(pk=replica.pk).update(state=ReplicaState.FAILED, size_bytes=0, sha256="")
