"""Reading backups of Bonança's own database."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from bonanca.kernel.errors import NotFound
from bonanca.recovery import own
from bonanca.recovery.models import OwnBackup
from bonanca.recovery.queries.readiness import late
from bonanca.recovery.state import RESTORABLE, BackupState
from bonanca.recovery.views.procedure import OwnBackupView, OwnStatus

# A failed one is tried again after this time.
RETRY_AFTER = timedelta(minutes=15)


class OwnBackupNotFound(NotFound):
    """There is no such backup of Bonança's own database."""


def own_backups(limit: int = 20) -> tuple[OwnBackupView, ...]:
    """Newest first."""
    return tuple(own_view(row) for row in OwnBackup.objects.order_by("-started_at")[:limit])


def get_own_backup(backup_id: UUID | None = None) -> OwnBackupView:
    """One backup; default: the newest that can be restored.

    Raises:
        OwnBackupNotFound.
    """
    rows = OwnBackup.objects.order_by("-started_at")
    row = (rows.filter(pk=backup_id) if backup_id else rows.filter(state__in=RESTORABLE)).first()
    if row is None:
        raise OwnBackupNotFound(
            _("There is no such backup of Bonança's own database."), hint=_("Take one: bonanca backup self take")
        )
    return own_view(row)


def own_status(now: datetime) -> OwnStatus:
    """Whether Bonança itself could come back, in words where it could not."""
    ended = OwnBackup.objects.exclude(state=BackupState.RUNNING).order_by("-started_at")
    last, good = ended.first(), ended.filter(state__in=RESTORABLE).first()
    every_h: float = settings.SELF_BACKUP_EVERY_H
    problem = ""
    if not own.declared():
        problem = _("Nobody declared where backups of Bonança's own database go.")
    elif last is not None and last.state == BackupState.FAILED:
        problem = _("The last backup of Bonança's own database failed: %(error)s") % {"error": last.error}
    elif good is None:
        problem = _("Bonança's own database was never backed up.")
    elif late(good.started_at, every_h, now):
        problem = _("The backup of Bonança's own database is overdue.")
    return OwnStatus(
        own.declared(), every_h, problem, own_view(last) if last else None, own_view(good) if good else None
    )


def own_backup_due(now: datetime) -> bool:
    """Whether a worker should take one now."""
    if not own.declared() or OwnBackup.objects.filter(state=BackupState.RUNNING).exists():
        return False
    last = OwnBackup.objects.order_by("-started_at").first()
    if last is None:
        return True
    every = timedelta(hours=settings.SELF_BACKUP_EVERY_H)
    return now >= last.started_at + (min(RETRY_AFTER, every) if last.state == BackupState.FAILED else every)


def own_view(row: OwnBackup) -> OwnBackupView:
    """A row as a value (for this room's operations)."""
    shared = [
        name for name in OwnBackupView.__dataclass_fields__ if name not in ("state", "state_label", "rows", "places")
    ]
    return OwnBackupView(
        **{name: getattr(row, name) for name in shared},
        state=row.state,
        state_label=str(BackupState(row.state).label),
        rows=sum(row.row_counts.values()),
        places=tuple((place["place"], place["ok"], place["error"]) for place in row.places),
    )
