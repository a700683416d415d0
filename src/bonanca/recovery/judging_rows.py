"""What a restore in the place of the running database would take from its users: rows written since, counted before."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop

from bonanca.catalog.spec import ServiceView
from bonanca.recovery.engines import Target
from bonanca.recovery.models import RestorePoint
from bonanca.recovery.queries.rows import rows_written_since
from bonanca.recovery.verdicts import OK, RISK, UNKNOWN, Finding, finding
from bonanca.recovery.views import BackupView

NONE_SINCE = gettext_noop("%(table)s: no row was written after that moment")
SINCE = gettext_noop("%(table)s: rows written after that moment: %(count)d. They will be in the kept database only")
NOT_COUNTED = gettext_noop("%(table)s: the rows written after that moment could not be counted: %(why)s")
NO_MOMENT = gettext_noop("Rows written since cannot be counted before: the target names no time")
NOT_DECLARED = gettext_noop("No table is declared under rows_at_risk: nobody counts what was written since")


def judge_rows(service: ServiceView, backup: BackupView, target: Target) -> tuple[Finding, ...]:
    """A finding for every declared table (T6); the time in its own column decides, as in the preview of a rollback."""
    if target.kind == "latest":
        return ()  # what it leaves behind is what the archive has not received, and the engine says how much that is
    if service.database is None or not service.database.rows_at_risk:
        return (finding("rows", UNKNOWN, NOT_DECLARED),)
    since = _moment(backup, target)
    if since is None:
        return (finding("rows", UNKNOWN, NO_MOMENT),)
    found = []
    for table in rows_written_since(service.slug, since, ""):
        if table.written_since is None:
            found.append(finding("rows", UNKNOWN, NOT_COUNTED, table=table.table, why=table.problem))
        elif table.written_since:
            found.append(finding("rows", RISK, SINCE, table=table.table, count=table.written_since))
        else:
            found.append(finding("rows", OK, NONE_SINCE, table=table.table))
    return tuple(found)


def _moment(backup: BackupView, target: Target) -> datetime | None:
    """When the data is of that comes back; None: a position in the log, or a time that is none (judged elsewhere)."""
    if target.kind == "backup":
        return backup.snapshot_at
    if target.kind == "point":
        point = RestorePoint.objects.filter(service=backup.service, name=target.value).first()
        return None if point is None else point.created_at
    if target.kind != "time":
        return None
    try:
        moment = datetime.fromisoformat(target.value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
