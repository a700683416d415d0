"""Begin a drill: its row, before anything is fetched."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM, Actor
from bonanca.access.permissions import Permission, require
from bonanca.catalog.queries import get_service
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict
from bonanca.recovery import holding
from bonanca.recovery.models import Backup, Drill
from bonanca.recovery.operations.finish_drill import fail_drill
from bonanca.recovery.queries import get_backup, get_drill
from bonanca.recovery.state import RESTORABLE, DrillState
from bonanca.recovery.views import BackupView, DrillView


class NotRestorable(Conflict):
    """A backup in this state has nothing to restore."""


class NothingToDrill(Conflict):
    """The service has no backup that could be restored."""

    @classmethod
    def of(cls, service: str) -> NothingToDrill:
        return cls(
            _("The service %(service)s has no backup that could be restored.") % {"service": service},
            hint=_("Take one: bonanca backup take %(service)s") % {"service": service},
        )


class DrillRunning(Conflict):
    """A drill of this backup is running."""


def begin_drill(*, backup_id: UUID, actor: Actor, now: datetime, key: str = "") -> DrillView:
    """Record that a backup is about to be restored into a scratch server.

    Raises:
        BackupNotFound, NotRestorable, DrillRunning, NotAllowed.
    """
    backup = get_backup(backup_id)
    require(actor, Permission.RESPOND, team=get_service(backup.service).team_slug)
    if backup.state not in RESTORABLE:
        raise not_restorable(backup)
    for unfinished in Drill.objects.filter(backup_id=backup_id, state=DrillState.RUNNING):
        if holding.gone(unfinished, now) or (key and unfinished.key == key):
            error = _("The process that ran it ended before it was done.")
            fail_drill(drill_id=unfinished.id, error=error, evidence={}, actor=SYSTEM("recovery"), now=now)
    try:
        with transaction.atomic():
            drill = Drill.objects.create(
                backup_id=backup_id, key=key, run_by=actor.label, started_at=now, beat_at=now, **holding.me()
            )
            if not Backup.objects.filter(pk=backup_id, state__in=RESTORABLE).exists():
                raise not_restorable(get_backup(backup_id))  # retention was faster
            facts = {"drill": str(drill.id)}
            record(aggregate=f"backup:{backup_id}", action="drill.started", actor=actor.label, facts=facts, now=now)
    except IntegrityError as error:
        raise DrillRunning(_("This backup is being restored by another drill.")) from error
    return get_drill(drill.id)


def not_restorable(backup: BackupView) -> NotRestorable:
    """The refusal, with the backup's state in words."""
    return NotRestorable(_("This backup is %(state)s: there is nothing to restore.") % {"state": backup.state.label})
