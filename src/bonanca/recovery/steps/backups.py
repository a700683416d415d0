"""Backups and their drills as steps of plans: `recovery.backup`, `recovery.verify_backup`."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.queries import backup_by_key, latest_backup, passed_drill_by_key
from bonanca.recovery.state import RESTORABLE, ReplicaState
from bonanca.recovery.steps.support import reporting, told, worker
from bonanca.recovery.views import BackupView, DrillView


@step("recovery.backup")
class TakeBackup:
    """Params: `service`. The receipt names the backup and its places; undo keeps it, since a backup harms nobody."""

    def check(self, ctx: StepContext) -> Receipt | None:
        found = backup_by_key(ctx.key)
        return _taken(found) if found is not None and found.state in RESTORABLE else None

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            return _taken(
                take_backup(
                    service=ctx.params["service"], actor=worker(), now=ctx.now(), key=ctx.key, progress=reporting(ctx)
                )
            )

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept": receipt["backup_id"]}


@step("recovery.verify_backup")
class VerifyBackup:
    """Params: `service`, optional `backup_id` (default: the one an earlier step took, else the service's newest)."""

    def check(self, ctx: StepContext) -> Receipt | None:
        drill = passed_drill_by_key(ctx.key)
        return None if drill is None else _passed(drill)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            backup_id = self._backup(ctx)
            drill = verify_backup(backup_id, actor=worker(), now=ctx.now(), key=ctx.key, progress=reporting(ctx))
            return _passed(drill)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept": receipt["drill_id"]}

    def _backup(self, ctx: StepContext) -> UUID:
        given = ctx.params.get("backup_id") or next(
            (receipt["backup_id"] for receipt in ctx.receipts.values() if "backup_id" in receipt), None
        )
        if given is not None:
            return UUID(given)
        newest = latest_backup(ctx.params["service"])
        if newest is None:
            raise StepFailed(_("The service %(service)s has no backup.") % {"service": ctx.params["service"]})
        return newest.id


def _taken(backup: BackupView) -> Receipt:
    return {
        "backup_id": str(backup.id),
        "service": backup.service,
        "size_bytes": backup.size_bytes,
        "rows": backup.rows,
        "sha256": backup.sha256,
        "stored": [r.place for r in backup.replicas if r.state in (ReplicaState.STORED, ReplicaState.VERIFIED)],
        "failed": {r.place: r.error for r in backup.replicas if r.state is ReplicaState.FAILED},
    }


def _passed(drill: DrillView) -> Receipt:
    return {
        "drill_id": str(drill.id),
        "verified_backup_id": str(drill.backup_id),
        "restore_seconds": drill.restore_seconds,
        "age_seconds": drill.age_seconds,
    }
