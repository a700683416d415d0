"""Restore a backup of Bonança's own database for proof."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.kernel.audit import record
from bonanca.kernel.errors import BonancaError
from bonanca.recovery import holding, own
from bonanca.recovery.envelope import EnvelopeDamaged
from bonanca.recovery.fetching import NoReplicaIntact
from bonanca.recovery.identities import IdentityUnreadable, read_identity_file
from bonanca.recovery.models import OwnBackup
from bonanca.recovery.own_restore import into_scratch
from bonanca.recovery.places import ReplicaProblem
from bonanca.recovery.places.leaving import place_named
from bonanca.recovery.queries.own import get_own_backup
from bonanca.recovery.scratch import DrillNotHeld
from bonanca.recovery.state import BackupState
from bonanca.recovery.views.procedure import OwnBackupView


def verify_own_backup(
    *,
    actor: Actor,
    now: datetime,
    backup_id: UUID | None = None,
    identity_file: Path | None = None,
    progress: Callable[[float | None, str], None] = lambda share, text: None,
) -> OwnBackupView:
    """Fetch from the first intact place, restore into a scratch server, compare every table's rows.

    Raises:
        OwnBackupNotFound, NotAllowed, IdentityUnreadable. NoReplicaIntact, EnvelopeDamaged, DrillNotHeld,
        WrongIdentity, DiskFull, DumpFailed: the reason is kept with the backup.
    """
    require(actor, Permission.ADMINISTER)
    backup = get_own_backup(backup_id)
    key = identity_file or own.own_policy().identity_file
    if key is None:
        raise IdentityUnreadable(
            _("Nobody declared the private key of Bonança's own backups."),
            hint=_("Set BONANCA_SELF_BACKUP_IDENTITY_FILE, or say where it is with --identity-file."),
        )
    identities = read_identity_file(key)
    clock = holding.running_clock(now)
    folder = own.working_folder()
    try:
        sealed = _fetch(backup, folder)
        restored = into_scratch(sealed, folder, identities, progress)
        _compare(OwnBackup.objects.get(pk=backup.id).row_counts, dict(restored.row_counts))
    except BonancaError as error:
        lost = isinstance(error, NoReplicaIntact | EnvelopeDamaged)
        _record(backup.id, actor, clock(), error=error.message, lost=lost)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _record(backup.id, actor, clock(), seconds=restored.seconds)
    return get_own_backup(backup.id)


def _fetch(backup: OwnBackupView, folder: Path) -> Path:
    target, problems = folder / "sealed.bnc", []
    for place, stored, _error in backup.places:
        if not stored:
            continue
        try:
            fetched = place_named(place).fetch(backup.object_name, target)
        except ReplicaProblem as problem:
            problems.append(problem.message)
            continue
        if (fetched.size, fetched.sha256) == (backup.size_bytes, backup.sha256):
            return target
        problems.append(_("%(place)s: %(name)s is damaged") % {"place": place, "name": backup.object_name})
    raise NoReplicaIntact(
        _("No place holds the backup as it was written. %(problems)s") % {"problems": "; ".join(problems)}
    )


def _compare(expected: dict[str, int], restored: dict[str, int]) -> None:
    differing = [table for table in sorted({*expected, *restored}) if expected.get(table) != restored.get(table)]
    if differing:
        raise DrillNotHeld(
            _("Tables whose rows are not those of the snapshot: %(tables)s") % {"tables": ", ".join(differing[:20])}
        )


def _record(
    identity: UUID, actor: Actor, now: datetime, *, seconds: float | None = None, error: str = "", lost: bool = False
) -> None:
    with transaction.atomic():
        row = OwnBackup.objects.filter(pk=identity)
        if error:
            # A missing key or a full disk says nothing about the backup.
            row.update(error=error, state=BackupState.FAILED if lost else BackupState.STORED)
        else:
            row.update(error="", state=BackupState.VERIFIED, verified_at=now, restore_seconds=seconds)
        action = "own_backup.not_restored" if error else "own_backup.restored"
        facts = {"error": error} if error else {"restore_seconds": seconds}
        record(aggregate=f"own-backup:{identity}", action=action, actor=actor.label, facts=facts, now=now)
