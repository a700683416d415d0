"""Say that a backup failed, and remove what it left."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery.events import BackupFailed
from bonanca.recovery.folders import staging_file
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.operations.remove_copies import remove_copies
from bonanca.recovery.state import BackupState, ReplicaState, backup_sources, replica_sources


def fail_backup(*, backup_id: UUID, error: str, actor: Actor, now: datetime) -> bool:
    """Mark a backup failed with its reason; False when it had ended otherwise. One transaction.

    What a backup that was being taken left in places is to go (`remove_copies`); damaged copies of one that was good
    stay, since somebody may still save something from them.
    """
    with transaction.atomic():
        taking = Backup.objects.select_for_update().filter(pk=backup_id).values_list("state", flat=True).first()
        sources = backup_sources(BackupState.FAILED)
        changed = Backup.objects.filter(pk=backup_id, state__in=sources).update(
            state=BackupState.FAILED, finished_at=now, error=error
        )
        if not changed:
            return False
        copies = BackupReplica.objects.filter(backup_id=backup_id)
        if taking == BackupState.RUNNING:
            left = copies.filter(Q(state=ReplicaState.STORED) | Q(bytes_done__gt=0))
            left.filter(state__in=replica_sources(ReplicaState.REMOVING)).update(
                state=ReplicaState.REMOVING, next_try_at=None
            )
        copies.filter(state=ReplicaState.PENDING).update(state=ReplicaState.FAILED, error=_("not reached"))
        service = Backup.objects.values_list("service", flat=True).get(pk=backup_id)
        facts = {"service": service, "error": error}
        record(aggregate=f"backup:{backup_id}", action="backup.failed", actor=actor.label, facts=facts, now=now)
        publish(BackupFailed(backup_id, service, error), now=now)
    return True


def abandon(backup_id: UUID, *, now: datetime) -> bool:
    """Fail a backup whose process is gone, and remove its partial files here and in its places.

    A place that does not answer keeps its part until it does.
    """
    error = _("The process that took it ended before it was done.")
    # How far it came in each place is not known to the byte.
    BackupReplica.objects.filter(backup_id=backup_id, backup__state=BackupState.RUNNING).update(bytes_done=1)
    if not fail_backup(backup_id=backup_id, error=error, actor=SYSTEM("recovery"), now=now):
        return False
    staging_file(backup_id).unlink(missing_ok=True)
    remove_copies(now=now, backup_id=backup_id)
    return True
