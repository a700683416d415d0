"""Record what became of a copy of a backup in one place: it is begun, goes on, is there, failed, or was given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from bonanca.access.actors import SYSTEM
from bonanca.kernel.audit import record
from bonanca.outbox.operations.publish import publish
from bonanca.recovery import holding
from bonanca.recovery.events import CopyDamaged, CopyGivenUp
from bonanca.recovery.folders import copy_file
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.state import TO_COPY, ReplicaState, replica_sources

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)


def claim_copy(replica_id: UUID, *, now: datetime) -> bool:
    """Take a copy that waits; False when another worker has it."""
    waiting = BackupReplica.objects.filter(pk=replica_id, state__in=TO_COPY)
    return bool(waiting.update(state=ReplicaState.COPYING, beat_at=now, attempts=F("attempts") + 1, **holding.me()))


def copy_goes_on(replica_id: UUID, *, done: int, now: datetime) -> bool:
    """Keep hold of it, with the bytes that are there; False when it was taken away."""
    return bool(_mine(replica_id).update(bytes_done=done, beat_at=now))


def copy_stored(
    replica_id: UUID, *, size: int, sha256: str, locked_until: datetime | None, now: datetime, first: bool = False
) -> bool:
    """The place has the whole of it. `first`: it came with the backup itself, and nobody claimed it before."""
    rows = BackupReplica.objects.filter(pk=replica_id) if first else _mine(replica_id)
    with transaction.atomic():
        changed = rows.filter(state__in=replica_sources(ReplicaState.STORED)).update(
            state=ReplicaState.STORED,
            size_bytes=size,
            bytes_done=size,
            sha256=sha256,
            stored_at=now,
            locked_until=locked_until,
            error="",
            next_try_at=None,
        )
        if changed and not first:
            replica = BackupReplica.objects.select_related("backup").get(pk=replica_id)
            facts = {"place": replica.place, "size_bytes": size, "attempts": replica.attempts}
            _record(replica.backup_id, "copy.stored", facts, now)
    return bool(changed)


def copy_interrupted(replica_id: UUID, *, done: int, now: datetime) -> None:
    """It goes on soon: nothing failed, it was only not finished."""
    held = Q(state=ReplicaState.PENDING) | Q(state=ReplicaState.COPYING)
    BackupReplica.objects.filter(held, pk=replica_id).update(
        state=ReplicaState.PENDING, bytes_done=done, next_try_at=now
    )


def copy_failed(replica_id: UUID, *, error: str, now: datetime, first: bool = False) -> ReplicaState:
    """Say why, and when it is tried again: after 30 s, then twice as long each time up to an hour; for three days."""
    with transaction.atomic():
        replica = BackupReplica.objects.select_for_update().select_related("backup").get(pk=replica_id)
        if not first and replica.state != ReplicaState.COPYING:
            return ReplicaState(replica.state)
        tried = max(1, replica.attempts)
        given_up = now - replica.backup.started_at > GIVE_UP_AFTER and tried > 1
        state = ReplicaState.GIVEN_UP if given_up else ReplicaState.FAILED
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tried - 1, 10))
        BackupReplica.objects.filter(pk=replica_id).update(
            state=state, error=error, attempts=tried, next_try_at=None if given_up else now + pause
        )
        if given_up:
            facts = {"place": replica.place, "error": error, "attempts": tried}
            _record(replica.backup_id, "copy.given_up", facts, now)
            publish(CopyGivenUp(replica.backup_id, replica.backup.service, replica.place, error), now=now)
    return state


def copy_intact(backup_id: UUID, place: str, *, now: datetime) -> None:
    """It was read whole and is what was written."""
    BackupReplica.objects.filter(
        backup_id=backup_id, place=place, state__in=replica_sources(ReplicaState.VERIFIED)
    ).update(state=ReplicaState.VERIFIED, checked_at=now, error="")


def copy_damaged(backup_id: UUID, place: str, *, error: str, now: datetime) -> bool:
    """The place answered, and does not give it back as it was written; False when that was known."""
    with transaction.atomic():
        rows = BackupReplica.objects.filter(backup_id=backup_id, place=place)
        known = rows.filter(state=ReplicaState.DAMAGED).update(checked_at=now, error=error)
        sources = replica_sources(ReplicaState.DAMAGED)
        changed = rows.filter(state__in=sources).exclude(state=ReplicaState.DAMAGED)
        if known or not changed.update(state=ReplicaState.DAMAGED, checked_at=now, error=error):
            return False
        service = Backup.objects.values_list("service", flat=True).get(pk=backup_id)
        _record(backup_id, "copy.damaged", {"place": place, "error": error}, now)
        publish(CopyDamaged(backup_id, service, place, error), now=now)
    return True


def release_copies(*, now: datetime) -> int:
    """Copies whose process is gone wait again, with what the place has of them; returns how many."""
    released = 0
    for replica in BackupReplica.objects.filter(state=ReplicaState.COPYING):
        if holding.gone(replica, now):
            copy_file(replica.id).unlink(missing_ok=True)
            mine = BackupReplica.objects.filter(pk=replica.pk, state=ReplicaState.COPYING, beat_at=replica.beat_at)
            released += mine.update(state=ReplicaState.PENDING, next_try_at=now)
    return released


def _mine(replica_id: UUID):  # type: ignore[no-untyped-def] # a QuerySet of rows that this process holds
    held = holding.me()
    return BackupReplica.objects.filter(pk=replica_id, state=ReplicaState.COPYING, **held)


def _record(backup_id: UUID, action: str, facts: dict[str, object], now: datetime) -> None:
    record(aggregate=f"backup:{backup_id}", action=action, actor=SYSTEM("recovery").label, facts=facts, now=now)
