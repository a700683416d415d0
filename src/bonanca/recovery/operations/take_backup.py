"""Take a backup of a service's database: dump, seal, store in every place. Long work between short transactions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Unavailable
from bonanca.outbox.operations.publish import publish
from bonanca.recovery import holding
from bonanca.recovery.engines import outside_named, sealing_named
from bonanca.recovery.events import BackupStored
from bonanca.recovery.folders import staging_file
from bonanca.recovery.models import Backup
from bonanca.recovery.operations.begin_backup import begin_backup
from bonanca.recovery.operations.fail_backup import fail_backup
from bonanca.recovery.operations.store_copies import store_copies
from bonanca.recovery.operations.take_outside import take_outside
from bonanca.recovery.queries import get_backup
from bonanca.recovery.sealing import SealedDatabase
from bonanca.recovery.state import BackupState, ReplicaState, backup_sources
from bonanca.recovery.views import BackupView

Progress = Callable[[float | None, str], None]


class BackupLost(Conflict):
    """Somebody else ended this backup while it was being taken."""


class NoReplicaStored(Unavailable):
    """No place took the backup."""


def take_backup(
    *, service: str, actor: Actor, now: datetime, key: str = "", progress: Progress = lambda share, text: None
) -> BackupView:
    """Take, seal and store one backup (requirement Y8).

    It is `stored` when at least one place has it; each place has its own state and error, and none waits for another:
    what is slow or broken is copied later (`copy_backups`).

    Args:
        key: of a plan's step; an unfinished backup of the same key is given up first.
        progress: told a share (0 to 1, None: unknown) and a text; what it raises ends the backup.

    Raises:
        What `begin_backup` raises; DatabaseUnreachable, ServerTooNew, DumpFailed, DiskFull, NoReplicaStored: the
        backup is then recorded as failed with that reason.
    """
    view = begin_backup(service=service, actor=actor, now=now, key=key)
    clock = holding.running_clock(now)
    staged = staging_file(view.id)
    try:
        outside = outside_named(view.engine)
        if outside is not None:
            take_outside(view, outside, clock=clock, beat=lambda now: _beat(view.id, now), progress=progress)
        else:
            sealed = _seal(view, staged, clock, progress)
            _record_sealed(view.id, sealed)
            progress(None, _("storing in %(count)d places") % {"count": len(view.replicas)})
            store_copies(view, staged, sealed.sealed, clock=clock, beat=lambda now: _beat(view.id, now))
        return _finish(view.id, actor, clock())
    except BaseException as error:  # also Ctrl-C: a row must not say "running" for ever
        reason = str(error) or type(error).__name__
        fail_backup(backup_id=view.id, error=reason, actor=actor, now=clock())
        raise
    finally:
        staged.unlink(missing_ok=True)


def _seal(view: BackupView, staged: Path, clock: Callable[[], datetime], progress: Progress) -> SealedDatabase:
    declared = get_service(view.service)
    beaten = monotonic()

    def on_bytes(total: int) -> None:
        nonlocal beaten
        progress(None, _("%(megabytes).1f MB read") % {"megabytes": total / 1e6})
        if monotonic() - beaten > holding.BEAT_EVERY_S:
            beaten = monotonic()
            _beat(view.id, clock())

    return sealing_named(view.engine).seal(declared, view, staged, on_bytes=on_bytes)


def _record_sealed(backup_id: UUID, sealed: SealedDatabase) -> None:
    changed = Backup.objects.filter(pk=backup_id, state=BackupState.RUNNING).update(
        snapshot_at=sealed.snapshot_at,
        server_version=sealed.server_version,
        lsn=sealed.lsn or "",
        row_counts=dict(sealed.row_counts),
        database_bytes=sealed.database_bytes,
        plain_bytes=sealed.sealed.plain_size,
        size_bytes=sealed.sealed.size,
        sha256=sealed.sealed.sha256,
        facts=dict(sealed.facts),
        parent_id=sealed.parent_id,
    )
    if not changed:
        raise _lost()


def _beat(backup_id: UUID, now: datetime) -> None:
    if not Backup.objects.filter(pk=backup_id, state=BackupState.RUNNING).update(beat_at=now):
        raise _lost()


def _finish(backup_id: UUID, actor: Actor, now: datetime) -> BackupView:
    view = get_backup(backup_id)
    stored = [replica for replica in view.replicas if replica.state is ReplicaState.STORED]
    failed = [replica for replica in view.replicas if replica.state in (ReplicaState.FAILED, ReplicaState.GIVEN_UP)]
    if not stored:
        raise NoReplicaStored(
            _("No place took the backup: %(reasons)s") % {"reasons": "; ".join(replica.error for replica in failed)}
        )
    with transaction.atomic():
        sources = backup_sources(BackupState.STORED)
        changed = Backup.objects.filter(pk=backup_id, state=BackupState.RUNNING, state__in=sources).update(
            state=BackupState.STORED, finished_at=now, error=""
        )
        if not changed:
            raise _lost()
        facts = {
            "service": view.service,
            "size_bytes": view.size_bytes,
            "sha256": view.sha256,
            "rows": view.rows,
            "stored": [replica.place for replica in stored],
            "failed": [replica.place for replica in failed],
        }
        record(aggregate=f"backup:{backup_id}", action="backup.stored", actor=actor.label, facts=facts, now=now)
        publish(BackupStored(backup_id, view.service, view.size_bytes, len(stored), len(failed)), now=now)
    return get_backup(backup_id)


def _lost() -> BackupLost:
    return BackupLost(_("This backup was ended by somebody else while it was being taken."))
