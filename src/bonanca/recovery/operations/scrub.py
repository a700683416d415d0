"""Read old copies again, one at a time and slowly: disks forget in silence."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from bonanca.recovery import holding
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.operations.check_backup import look_at, record_seen
from bonanca.recovery.queries import get_backup
from bonanca.recovery.state import RESTORABLE, ReplicaState

AGAIN_AFTER = timedelta(days=7)
ASK_AGAIN_AFTER = timedelta(hours=6)
BYTES_A_SECOND = 40e6


def scrub(*, now: datetime, rate: float = BYTES_A_SECOND) -> UUID | None:
    """Check the copy that nobody has read for longest, if that is a week or more; returns its backup.

    Only sums are compared: no private key is needed, or looked for.
    """
    unread = Q(checked_at=None, stored_at__lte=now - AGAIN_AFTER) | Q(checked_at__lte=now - AGAIN_AFTER)
    rows = BackupReplica.objects.filter(
        unread,
        Q(next_try_at=None) | Q(next_try_at__lte=now),
        state__in=[ReplicaState.STORED, ReplicaState.VERIFIED],
        backup__state__in=RESTORABLE,
    )
    oldest = rows.order_by(F("checked_at").asc(nulls_first=True), "stored_at").first()
    if oldest is None:
        return None
    clock = holding.running_clock(now)
    backup = get_backup(oldest.backup_id)
    seen = look_at(backup, oldest.place, rate=rate)
    record_seen(backup.id, oldest.place, seen, now=clock())
    if seen.error and not seen.answered:
        # Others have their turn before this place is asked again.
        BackupReplica.objects.filter(pk=oldest.pk).update(next_try_at=now + ASK_AGAIN_AFTER)
    return backup.id
