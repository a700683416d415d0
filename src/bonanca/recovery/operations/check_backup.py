"""Read every copy of a backup in every place, name what is damaged, and make it again from an intact one when told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.access.actors import Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.errors import BonancaError, Conflict
from bonanca.recovery import holding
from bonanca.recovery.engines import OUTSIDE, outside_named
from bonanca.recovery.identities import read_identity_file
from bonanca.recovery.models import BackupReplica
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.fail_backup import fail_backup
from bonanca.recovery.operations.record_copy import copy_damaged, copy_intact
from bonanca.recovery.operations.retry_copy import retry_copy
from bonanca.recovery.places import opened, spec_of
from bonanca.recovery.places.checking import Expected, Seen, look
from bonanca.recovery.queries import get_backup
from bonanca.recovery.state import HOLDING, RESTORABLE, ReplicaState
from bonanca.recovery.views import BackupView, CheckedCopy, CheckReport

Progress = Callable[[float | None, str], None]
# A repair that takes longer is finished by a worker.
REPAIR_ROUND_S = 6 * 3600.0


class CopiesDamaged(BonancaError):
    """Copies of a backup are not what was written; the message names each file and its place."""


class NothingToCheck(Conflict):
    """No place was given this backup, or it failed."""


def check_backup(
    backup_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    identity_file: Path | None = None,
    repair: bool = False,
    progress: Progress = lambda share, text: None,
) -> CheckReport:
    """Read the copies one after the other; each is marked for what it is.

    Args:
        identity_file: the private key; with it every chunk is authenticated, not only the sums compared.
        repair: make damaged copies again from an intact one.
        progress: told a share (0 to 1) and a text; what it raises ends the check.

    Raises:
        BackupNotFound, NothingToCheck, IdentityUnreadable, NotAllowed.
    """
    backup = get_backup(backup_id)
    require(actor, Permission.RESPOND, team=get_service(backup.service).team_slug)
    if backup.state not in RESTORABLE or not backup.copies:
        raise NothingToCheck(
            _("This backup is %(state)s: there are no copies to check.") % {"state": backup.state.label}
        )
    identities = read_identity_file(identity_file) if identity_file is not None else ()
    clock = holding.running_clock(now)
    copies = [
        _checked(backup, copy.place, identities, clock, _share(progress, index, len(backup.copies), copy.place, backup))
        for index, copy in enumerate(backup.copies)
    ]
    if all(copy.answered and not copy.ok for copy in copies) and not _on_its_way(backup_id):
        error = "; ".join(copy.error for copy in copies)
        fail_backup(backup_id=backup_id, error=error, actor=actor, now=clock())
    elif repair and backup.engine not in OUTSIDE and any(copy.ok for copy in copies):
        copies = _repaired(backup, copies, actor, clock)
    return CheckReport(backup_id, backup.service, tuple(copies))


def _checked(
    backup: BackupView,
    place: str,
    identities: Sequence[str],
    clock: Callable[[], datetime],
    told: Callable[[int], None],
) -> CheckedCopy:
    seen = look_at(backup, place, identities=identities, told=told)
    record_seen(backup.id, place, seen, now=clock())
    return CheckedCopy(
        place, backup.object_name, not seen.error, seen.answered, seen.authenticated, seen.size, seen.error
    )


def look_at(
    backup: BackupView,
    place: str,
    *,
    identities: Sequence[str] = (),
    rate: float | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> Seen:
    """Read one copy; `told` hears the bytes, `rate` bounds them a second."""
    outside = outside_named(backup.engine)
    if outside is not None:
        return outside.look(get_service(backup.service), backup, place, told=told)
    expected = Expected(backup.object_name, backup.size_bytes, backup.sha256)
    return look(opened(spec_of(backup.service, place)), expected, identities=identities, rate=rate, told=told)


def record_seen(backup_id: UUID, place: str, seen: Seen, *, now: datetime) -> None:
    """Keep what a look found: intact, damaged, or that the place did not answer."""
    if not seen.error:
        copy_intact(backup_id, place, now=now)
    elif seen.answered:
        copy_damaged(backup_id, place, error=seen.error, now=now)
    else:
        BackupReplica.objects.filter(backup_id=backup_id, place=place, state__in=HOLDING).update(error=seen.error)


def _repaired(
    backup: BackupView, copies: list[CheckedCopy], actor: Actor, clock: Callable[[], datetime]
) -> list[CheckedCopy]:
    broken = [copy for copy in copies if not copy.ok and copy.answered]
    for copy in broken:
        retry_copy(backup_id=backup.id, place=copy.place, actor=actor, now=clock())
    if broken:
        copy_backups(now=clock(), service=backup.service, round_s=REPAIR_ROUND_S)
    states = {replica.place: replica for replica in get_backup(backup.id).replicas}
    return [
        replace(copy, repaired=True)
        if copy in broken and states[copy.place].state in (ReplicaState.STORED, ReplicaState.VERIFIED)
        else copy
        for copy in copies
    ]


def _on_its_way(backup_id: UUID) -> bool:
    return BackupReplica.objects.filter(backup_id=backup_id, state=ReplicaState.COPYING).exists()


def _share(progress: Progress, index: int, count: int, place: str, backup: BackupView) -> Callable[[int], None]:
    def told(done: int) -> None:
        part = min(1.0, done / backup.size_bytes) if backup.size_bytes else 1.0
        progress((index + part) / count, _("reading %(place)s") % {"place": place})

    return told


def raise_for(report: CheckReport) -> None:
    """Say what is wrong as an error.

    Raises:
        CopiesDamaged: with every file and its place.
    """
    if report.ok:
        return
    wrong = [copy.error for copy in (*report.damaged, *report.unread)]
    raise CopiesDamaged(
        "; ".join(wrong), hint=_("An intact copy can replace a damaged one: bonanca backup check --repair")
    )
