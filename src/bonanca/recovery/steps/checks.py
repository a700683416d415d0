"""Checks of copies and of the archived log as steps of plans: `recovery.check_backup`, `recovery.check_wal`."""

from __future__ import annotations

from uuid import UUID

from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.registry import step
from bonanca.recovery.operations.check_backup import check_backup, raise_for
from bonanca.recovery.operations.check_wal import check_wal, raise_for_wal
from bonanca.recovery.steps.support import reporting, told, worker


@step("recovery.check_backup")
class CheckBackup:
    """Params: `backup_id`, `repair`. Compares sums (no private key is read); fails with what is damaged."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None  # reading again harms nobody

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            report = check_backup(
                UUID(ctx.params["backup_id"]),
                repair=bool(ctx.params.get("repair")),
                actor=worker(),
                now=ctx.now(),
                progress=reporting(ctx),
            )
            raise_for(report)
        return {
            "checked_backup_id": str(report.backup_id),
            "intact": [copy.place for copy in report.copies if copy.ok],
            "repaired": [copy.place for copy in report.copies if copy.repaired],
        }

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept": receipt["checked_backup_id"]}


@step("recovery.check_wal")
class CheckWal:
    """Params: `service`, `repair`. Compares sums (no private key is read); fails with what is damaged."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None  # reading again harms nobody

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            report = check_wal(
                ctx.params["service"],
                repair=bool(ctx.params.get("repair")),
                actor=worker(),
                now=ctx.now(),
                progress=reporting(ctx),
            )
            raise_for_wal(report)
        return {"files": report.files, "repaired": [f"{one.place}: {one.name}" for one in report.repaired]}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept": receipt["files"]}
