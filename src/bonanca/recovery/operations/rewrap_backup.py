"""Rotate keys: wrap a backup's data key for the recipients that are declared now. The bulk is not encrypted anew.

Every place gets a new object beside the old one; only when one has it whole does the backup point there, in one
transaction. What is then, or after a crash, in a place and not the backup is remembered and removed (`remove_strays`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, Unavailable
from bonanca.outbox.operations.publish import publish
from bonanca.recovery import holding
from bonanca.recovery.envelope import Sealed, rewrap
from bonanca.recovery.events import BackupRewrapped
from bonanca.recovery.folders import rewrap_files
from bonanca.recovery.identities import read_identity_file, recipients_of
from bonanca.recovery.models import Backup, BackupReplica
from bonanca.recovery.places import Fetched, Parcel, ReplicaProblem, place_of
from bonanca.recovery.places.locks import lock_until
from bonanca.recovery.queries import get_backup
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.state import HOLDING, RESTORABLE, ReplicaState
from bonanca.recovery.views import BackupView

Progress = Callable[[float | None, str], None]
# The end of an object's name, with the mark of an earlier rotation.
_AGAIN = re.compile(r"(-k[0-9a-f]{8})?\.bnc$")


class NotRewrapped(Unavailable):
    """No place gave the backup intact, or none took the new one; the old one is as it was."""


class NothingToRewrap(Conflict):
    """It is wrapped for the declared recipients, or somebody works on it."""


def rewrap_backup(
    backup_id: UUID,
    *,
    identity_file: Path,
    actor: Actor,
    now: datetime,
    progress: Progress = lambda share, text: None,
) -> BackupView:
    """Wrap one backup's key for the declared recipients, in every place.

    A place that does not take it gets its copy later, like any that is missing.

    Args:
        identity_file: a private key that opens the backup as it is.

    Raises:
        BackupNotFound, NothingToRewrap, InvalidRecipient, IdentityUnreadable, NotAllowed.
        WrongIdentity, EnvelopeDamaged, NotRewrapped, DiskFull: nothing has changed.
    """
    backup = get_backup(backup_id)
    service = get_service(backup.service)
    require(actor, Permission.COMMAND)
    wanted = service.backup.recipients if service.backup is not None else ()
    recipients_of(wanted)
    identities = read_identity_file(identity_file)
    clock = holding.running_clock(now)
    name = _claim(backup, wanted, now)
    old, new = rewrap_files(backup_id)
    try:
        progress(0.1, _("reading"))
        _fetch(backup, old)
        with disk_full_named(new), old.open("rb") as source, new.open("wb") as out:
            sealed = rewrap(source, out, identities=identities, recipients=wanted)
        stored = {}
        for index, copy in enumerate(backup.copies):
            progress(0.2 + 0.7 * index / len(backup.copies), _("storing in %(place)s") % {"place": copy.place})
            stored[copy.place] = _store(backup, copy.place, new, name, sealed)
        _switch(backup, name, sealed, wanted, stored, actor, clock())
    finally:
        old.unlink(missing_ok=True)
        new.unlink(missing_ok=True)
        Backup.objects.filter(pk=backup_id).update(pid=0)
    remove_strays(now=clock(), backup_id=backup_id)
    return get_backup(backup_id)


def _claim(backup: BackupView, wanted: Sequence[str], now: datetime) -> str:
    """Remember the name before anything of it lies anywhere; returns it."""
    name = f"{_AGAIN.sub('', backup.object_name)}-k{os.urandom(4).hex()}.bnc"
    with transaction.atomic():
        row = Backup.objects.select_for_update().get(pk=backup.id)
        busy = row.stray_objects and not holding.gone(row, now)
        copying = BackupReplica.objects.filter(backup_id=backup.id, state=ReplicaState.COPYING).exists()
        if row.state not in RESTORABLE or busy or copying:
            raise NothingToRewrap(_("Somebody works on this backup, or there is nothing of it; try again later."))
        if row.recipients is not None and set(row.recipients) == set(wanted):
            raise NothingToRewrap(_("This backup is wrapped for the declared recipients already."))
        Backup.objects.filter(pk=backup.id).update(
            stray_objects=[*(row.stray_objects or []), name], beat_at=now, **holding.me()
        )
    return name


def _fetch(backup: BackupView, target: Path) -> None:
    problems = []
    for copy in backup.copies:
        try:
            with disk_full_named(target):
                fetched = place_of(backup.service, copy.place).fetch(backup.object_name, target)
        except ReplicaProblem as problem:
            problems.append(problem.message)
            continue
        if fetched == Fetched(backup.size_bytes, backup.sha256):
            return
        problems.append(
            _("%(place)s: %(name)s is not what was sealed")
            % {
                "place": copy.place,
                "name": backup.object_name,
            }
        )
    raise NotRewrapped(
        _("No place gives this backup as it was written: %(problems)s") % {"problems": "; ".join(problems)}
    )


def _store(backup: BackupView, place: str, file: Path, name: str, sealed: Sealed) -> str:
    """Empty: it is there; else why not."""
    until = lock_until(backup.service, place, backup.started_at)
    try:
        place_of(backup.service, place).store(Parcel(file, name, sealed.size, sealed.sha256, until))
    except ReplicaProblem as problem:
        return problem.message
    return ""


def _switch(
    backup: BackupView,
    name: str,
    sealed: Sealed,
    recipients: Sequence[str],
    stored: dict[str, str],
    actor: Actor,
    now: datetime,
) -> None:
    if all(stored.values()):
        raise NotRewrapped(_("No place took the backup: %(reasons)s") % {"reasons": "; ".join(stored.values())})
    with transaction.atomic():
        row = Backup.objects.select_for_update().get(pk=backup.id)
        copies = BackupReplica.objects.filter(backup_id=backup.id)
        if row.state not in RESTORABLE or row.object_name != backup.object_name:
            raise NothingToRewrap(_("Somebody works on this backup, or there is nothing of it; try again later."))
        strays = [stray for stray in row.stray_objects or [] if stray != name]
        Backup.objects.filter(pk=backup.id).update(
            object_name=name,
            size_bytes=sealed.size,
            sha256=sealed.sha256,
            recipients=list(recipients),
            stray_objects=[*strays, backup.object_name],
        )
        copies.filter(place__in=[place for place, why in stored.items() if not why]).update(
            state=ReplicaState.STORED,
            size_bytes=sealed.size,
            bytes_done=sealed.size,
            sha256=sealed.sha256,
            stored_at=now,
            checked_at=None,
            error="",
            next_try_at=None,
        )
        for place, why in stored.items():
            if why:
                copies.filter(place=place).update(
                    state=ReplicaState.FAILED, error=why, next_try_at=now, attempts=0, bytes_done=0, size_bytes=0
                )
        # What was copied under the old name meanwhile, or began to be, is copied anew.
        copies.exclude(place__in=stored).filter(state__in=[*HOLDING, ReplicaState.COPYING]).update(
            state=ReplicaState.PENDING, next_try_at=now, bytes_done=0, size_bytes=0
        )
        facts = {"service": backup.service, "recipients": list(recipients), "object": name}
        record(aggregate=f"backup:{backup.id}", action="backup.rewrapped", actor=actor.label, facts=facts, now=now)
        publish(BackupRewrapped(backup.id, backup.service, tuple(recipients)), now=now)


def remove_strays(*, now: datetime, backup_id: UUID | None = None) -> int:
    """Remove what lies in places and is not the backup, unless somebody works on it; returns how many are clean now.

    A place that does not answer, or keeps the old object locked, is asked again the next time.
    """
    rows = Backup.objects.exclude(stray_objects=None).exclude(stray_objects=[])
    clean = 0
    for row in rows.filter(pk=backup_id) if backup_id is not None else rows:
        if not holding.gone(row, now):
            continue
        for file in rewrap_files(row.id):
            file.unlink(missing_ok=True)
        left = [name for name in row.stray_objects or [] if not _removed(row, name)]
        same = Backup.objects.filter(pk=row.id, stray_objects=row.stray_objects)
        clean += same.update(stray_objects=left) and not left
    return clean


def _removed(row: Backup, name: str) -> bool:
    gone = True
    for place in row.replicas.values_list("place", flat=True):
        try:
            place_of(row.service, place).remove(name)
        except ReplicaProblem:
            gone = False
    return gone
