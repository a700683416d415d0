"""Remove copies from their places: of backups that retention let go, and of those that failed half stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import Q

from bonanca.recovery.engines import OUTSIDE
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.places import ReplicaProblem, place_of
from bonanca.recovery.state import ReplicaState

log = structlog.get_logger(__name__)
ASK_AGAIN_AFTER = timedelta(minutes=30)


def remove_copies(*, now: datetime, service: str | None = None, backup_id: UUID | None = None) -> int:
    """Remove the copies that are to go (of one service or backup) from their places; returns how many are gone.

    A place that does not answer is asked again later.
    """
    # What lies in a repository of another program is that program's to remove.
    rows = BackupReplica.objects.filter(state=ReplicaState.REMOVING).exclude(backup__engine__in=OUTSIDE)
    rows = rows.select_related("backup")
    due = rows.filter(Q(next_try_at=None) | Q(next_try_at__lte=now))
    if service is not None:
        due = due.filter(backup__service=service)
    if backup_id is not None:
        due = due.filter(backup_id=backup_id)
    gone, silent = 0, set[str]()
    for copy in due.order_by("backup__started_at"):
        problem = ""
        if copy.place not in silent:
            try:
                place_of(copy.backup.service, copy.place).remove(copy.backup.object_name)
            except ReplicaProblem as found:
                problem = found.message
                silent.add(copy.place)  # its others are not asked one by one
                log.warning("a copy could not be removed", place=copy.place, why=problem)
        if copy.place in silent:
            BackupReplica.objects.filter(pk=copy.pk).update(error=problem, next_try_at=now + ASK_AGAIN_AFTER)
            continue
        # Why a failed backup was not stored there stays to be read; why it could not be removed does not.
        error = "" if copy.next_try_at is not None else copy.error
        gone += BackupReplica.objects.filter(pk=copy.pk, state=ReplicaState.REMOVING).update(
            state=ReplicaState.REMOVED, size_bytes=0, bytes_done=0, sha256="", error=error, next_try_at=None
        )
    return gone
