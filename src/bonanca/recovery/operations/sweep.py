"""Clear up after processes that were killed: their backups and drills are marked failed, their files removed."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bonanca.access.actors import SYSTEM
from bonanca.actuators.files.tree_swap import remove_tree
from bonanca.recovery import holding
from bonanca.recovery.folders import everything_temporary
from bonanca.recovery.models import Backup, Drill
from bonanca.recovery.operations.fail_backup import abandon
from bonanca.recovery.operations.finish_drill import fail_drill
from bonanca.recovery.queries import restores_in_work
from bonanca.recovery.state import BackupState, DrillState


def sweep(*, now: datetime) -> int:
    """Fail what nobody works on any more and remove partial files; returns how many were failed.

    What a living process of this machine works on is never touched.
    """
    swept = 0
    for backup in Backup.objects.filter(state=BackupState.RUNNING):
        if holding.gone(backup, now) and abandon(backup.id, now=now):
            swept += 1
    for drill in Drill.objects.filter(state=DrillState.RUNNING):
        error = _("The process that ran it ended before it was done.")
        if holding.gone(drill, now) and fail_drill(
            drill_id=drill.id, error=error, evidence={}, actor=SYSTEM("recovery"), now=now
        ):
            swept += 1
    _remove_left_over()
    return swept


def _remove_left_over() -> None:
    # Files are listed before the rows are read: what begins in between has its row before its first file.
    found = everything_temporary()
    running = {
        *map(str, Backup.objects.filter(state=BackupState.RUNNING).values_list("id", flat=True)),
        *map(str, Drill.objects.filter(state=DrillState.RUNNING).values_list("id", flat=True)),
        *restores_in_work(),
    }
    for path in found:
        if path.name.removesuffix(".bnc") in running:
            continue
        remove_tree(path)
