"""Which backup leads to a target."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.recovery import queries
from bonanca.recovery.engines.base import Target, engine_for
from bonanca.recovery.state import RESTORABLE
from bonanca.recovery.views import BackupView

LOOKED_AT = 500


class NothingToRestore(NotFound):
    """No backup leads to the target; the message says what there is instead."""


def backup_for(service: str, target: Target) -> BackupView:
    """The backup to begin from: the one that is named, else the newest whose data ends at or before the target.

    A moment is reached exactly by a backup with write-ahead log; without one the newest earlier snapshot is taken.

    Raises:
        NothingToRestore: there is none, or the named one is another service's or has nothing to restore.
    """
    if target.backup_id is not None:
        return _named(service, target)
    found = [backup for backup in queries.list_backups(service, limit=LOOKED_AT) if backup.state in RESTORABLE]
    if not found:
        raise NothingToRestore(
            _("The service %(service)s has no backup to restore.") % {"service": service},
            hint=_("Take one: bonanca backup take %(service)s") % {"service": service},
        )
    exact = [backup for backup in found if engine_for(backup).reaches_points]
    if target.time is not None:
        at = target.time
        earlier = [b for b in [*exact, *found] if (b.snapshot_at or b.started_at) <= at]
        if not earlier:
            oldest = min(b.snapshot_at or b.started_at for b in found)
            raise NothingToRestore(
                _("The oldest backup of %(service)s is of %(oldest)s: it cannot return to %(time)s.")
                % {"service": service, "oldest": oldest.isoformat(), "time": at.isoformat()},
                hint=_("Choose a later moment, or name the backup to restore."),
            )
        return earlier[0]
    if target.lsn is not None or target.name is not None:
        if not exact:
            raise NothingToRestore(
                _("A WAL position or a named point needs a physical backup, and %(service)s has none.")
                % {"service": service},
                hint=_("Declare `backup: method: physical`, or choose a backup or a time."),
            )
        return exact[0]
    return found[0]


def _named(service: str, target: Target) -> BackupView:
    assert target.backup_id is not None
    try:
        backup = queries.get_backup(target.backup_id)
    except queries.BackupNotFound as error:
        raise NothingToRestore(error.message) from error
    if backup.service != service:
        raise NothingToRestore(
            _("The backup %(id)s is not of the service %(service)s.") % {"id": backup.id, "service": service}
        )
    if backup.state not in RESTORABLE:
        raise NothingToRestore(
            _("This backup is %(state)s: there is nothing to restore.") % {"state": backup.state.label}
        )
    return backup
