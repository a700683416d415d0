"""Which backups a physical one stands on, and on which the next one can."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.basebackup import ServerFacts
from bonanca.actuators.postgres.wal import lsn_number
from bonanca.catalog.spec import ServiceView
from bonanca.recovery.engines.base import Target
from bonanca.recovery.folders import manifest_file
from bonanca.recovery.models import RestorePoint
from bonanca.recovery.queries.backups import get_backup, list_backups
from bonanca.recovery.queries.pins import pins_of
from bonanca.recovery.retention import needed
from bonanca.recovery.state import RESTORABLE, PinState
from bonanca.recovery.views import BackupView

INCREMENTAL_SINCE = 17
# Engines whose log reaches beyond the backup itself.
TO_A_MOMENT = ("physical", "pgbackrest")


def chain_of(backup: BackupView) -> list[BackupView]:
    """The full backup and every incremental one up to this, oldest first.

    Raises:
        BackupNotFound: one of them was forgotten (the database does not allow it).
    """
    chain = [backup]
    while chain[0].parent_id is not None:
        chain.insert(0, get_backup(chain[0].parent_id))
    return chain


def parent_for(service: ServiceView, server: ServerFacts, view: BackupView) -> BackupView | None:
    """The newest backup that an incremental one can go on from; None: a full one is due, or the server cannot."""
    if server.version < INCREMENTAL_SINCE or not server.summarizes:
        return None
    assert service.backup is not None
    assert service.backup.physical is not None
    for found in list_backups(service.slug):
        if found.engine != view.engine or found.state not in RESTORABLE:
            continue
        same = (found.facts["system_identifier"], found.facts["timeline"], found.server_version)
        if same != (server.system_identifier, server.timeline, server.version):
            return None
        full = chain_of(found)[0]
        young = view.started_at - full.started_at < timedelta(hours=service.backup.physical.full_every_h)
        return found if young and manifest_file(found.id).exists() else None
    return None


@needed
def stood_upon(service: str) -> dict[UUID, str]:
    """Backups that newer ones stand on: the retention policy keeps them as long as those."""
    found: dict[UUID, str] = {}
    for backup in list_backups(service, limit=500):
        if backup.parent_id is not None and backup.state in RESTORABLE:
            for earlier in chain_of(backup)[:-1]:
                at = f"{backup.started_at:%Y-%m-%d %H:%M} UTC"
                found.setdefault(earlier.id, _("the backup of %(at)s stands on it") % {"at": at})
    return found


@needed
def gone_back_by(service: str) -> dict[UUID, str]:
    """Backups from which the log leads to a pin that is only a position in it: kept as long as the pin."""
    found: dict[UUID, str] = {}
    for pin in pins_of(service, limit=500):
        if pin.point and pin.state is PinState.READY:
            backup = newest_before(service, Target("point", pin.point))
            if backup is not None:
                at = f"{pin.taken_at:%Y-%m-%d %H:%M} UTC"
                found.setdefault(backup.id, _("the state pinned at %(at)s goes back by it") % {"at": at})
    return found


def newest_before(service: str, target: Target) -> BackupView | None:
    """The newest backup that can be restored and ended before the target; None: none did, or the target has no time."""
    for found in list_backups(service, limit=500):
        if found.state in RESTORABLE and found.engine in TO_A_MOMENT and _before(found, target):
            return found
    return None


def _before(backup: BackupView, target: Target) -> bool:
    try:
        if target.kind == "time":
            return (backup.snapshot_at or backup.started_at) <= datetime.fromisoformat(target.value)
        if target.kind == "lsn":
            return lsn_number(backup.facts["stop_lsn"]) <= lsn_number(target.value)
        if target.kind == "point":
            point = RestorePoint.objects.filter(service=backup.service, name=target.value).first()
            return point is not None and lsn_number(backup.facts["stop_lsn"]) <= lsn_number(point.lsn)
    except (ValueError, TypeError):
        return False  # the verdict says what is wrong with the target
    return target.kind == "latest"
