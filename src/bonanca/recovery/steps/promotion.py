"""A standby becomes the primary: `recovery.promotion_preflight`, `fence_primary`, `promote_standby`, `switch_address`,
`promotion_proof`. Params of all: `service`, `accept_loss` (the primary may be gone, and with it what was not received).
"""

from __future__ import annotations

import time
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.postgres import replication
from bonanca.actuators.postgres.sessions import DatabaseUnreachable
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec, StandbySpec
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import NotUndoable, StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.recovery import folders
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.operations.watch_replication import pair_problem, promotion_begun
from bonanca.recovery.steps.support import told

ASK_EVERY_S = 0.2
# Of the 60 seconds that the first step has; what takes longer goes on by itself.
CHECKPOINT_S = 30.0


@step("recovery.promotion_preflight")
class PromotionPreflight:
    """Ask both servers again, and remember where each of them is. Nothing is touched."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            database = _database(ctx)
            standby = replication.look(database.standby_dsn())
            try:
                primary = replication.look(database.dsn())
            except DatabaseUnreachable:
                if not ctx.params["accept_loss"]:
                    raise
                return {"lost_primary": True, "standby_lsn": standby.lsn, "timeline": standby.timeline}
            refuse_own_server(database.dsn())
        problem, begun = pair_problem(primary, standby), promotion_begun(primary, standby)
        if problem and not begun:
            raise StepFailed(problem, hint=_("Nothing was touched. Remove the cause, then retry."))
        if _standby(database).servers:
            # The one before the old primary is closed has then little to write, while the service waits.
            with told():
                replication.checkpoint(database.dsn(), timeout_s=CHECKPOINT_S)
        return {
            "lost_primary": False,
            "standby_lsn": standby.lsn,
            "timeline": standby.timeline,
            "lag_bytes": replication.lag_bytes(primary, standby),
            "begun": begun,
        }

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {}


@step("recovery.fence_primary")
class FencePrimary:
    """Close the service's database on the old primary. Undo opens it again, while the standby still follows."""

    def check(self, ctx: StepContext) -> Receipt | None:
        if not ctx.asked_by_undo or ctx.receipts.get("preflight", {}).get("lost_primary"):
            return None
        # It was begun and never ended: a slot that keeps the log, or a closed database, would stay for ever.
        with told():
            found = replication.look(_database(ctx).dsn())
        return {"fenced": True, "lsn": None} if found.kept_bytes is not None or not found.admits else None

    def apply(self, ctx: StepContext) -> Receipt:
        if ctx.receipts["preflight"]["lost_primary"]:
            # Nobody answers there. A commander has said that the loss is accepted.
            return {"fenced": False, "lsn": None}
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            database = _database(ctx)
            if database.standby is not None and database.standby.servers:
                replication.keep_log(database.dsn())
                replication.checkpoint(database.dsn())
            point("recovery.fence.log_kept")
            return {"fenced": True, "lsn": replication.fence(database.dsn())}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            database = _database(ctx)
            _refuse_after_promotion(database, switched=False)
            if receipt["fenced"]:
                replication.let_log_go(database.dsn())
                replication.admit(database.dsn())
        return {"admitted": receipt["fenced"]}


@step("recovery.promote_standby")
class PromoteStandby:
    """Wait for the last byte of the closed primary, promote, and open the database there."""

    def check(self, ctx: StepContext) -> Receipt | None:
        if not ctx.asked_by_undo:
            return None
        with told():
            found = replication.look(_database(ctx).standby_dsn())
        return {} if found.kept_bytes is not None or not found.in_recovery else None

    def apply(self, ctx: StepContext) -> Receipt:
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            database = _database(ctx)
            dsn, lsn = database.standby_dsn(), ctx.receipts["fence"]["lsn"]
            while lsn and replication.look(dsn).in_recovery and not replication.replayed(dsn, lsn):
                ctx.still_mine()
                if ctx.remaining_s() < 90:
                    raise StepFailed(
                        _("The standby does not catch up with the closed primary (%(lsn)s).") % {"lsn": lsn},
                        hint=_(
                            "Undo the plan, which opens the old primary again, or see why the standby does not receive."
                        ),
                    )
                time.sleep(ASK_EVERY_S)
            if database.standby is not None and database.standby.servers:
                # What a rewound server starts from has to be on the new primary still.
                replication.keep_log(dsn)
                point("recovery.promote.log_kept")
            replication.promote(dsn)
            point("recovery.promote.promoted")
            replication.admit(dsn)
            found = replication.look(dsn)
        # What an earlier plan has promoted may have been written to, and the old primary too.
        whole = bool(lsn) and not ctx.receipts.get("preflight", {}).get("begun")
        return {"lsn": found.lsn, "timeline": found.timeline, "nothing_lost": whole}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        database = _database(ctx)
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            _refuse_after_promotion(database, switched=False)
            replication.let_log_go(database.standby_dsn())
        return {}


@step("recovery.switch_address")
class SwitchAddress:
    """Exchange the two address files: what was the standby's is now the service's. No address is in the receipt."""

    def check(self, ctx: StepContext) -> Receipt | None:
        kept = _kept(ctx)
        if kept.joinpath("done").exists():
            return {"switched": True}
        return {"switched": False, "kept": str(kept)} if ctx.asked_by_undo and kept.exists() else None

    def apply(self, ctx: StepContext) -> Receipt:
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            database, kept = _database(ctx), _kept(ctx)
            kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = {"service": database.dsn_file, "standby": _standby(database).dsn_file}
            for name, file in files.items():
                # Kept before anything is exchanged: a worker that takes over finds what each held.
                if not kept.joinpath(name).exists():
                    write_atomic(kept / name, file.read_bytes(), mode=0o600)
            write_atomic(files["service"], kept.joinpath("standby").read_bytes())
            point("recovery.switch.half")
            write_atomic(files["standby"], kept.joinpath("service").read_bytes())
            write_atomic(kept / "done", b"")
        return {"switched": True}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if receipt["switched"]:
            # It comes after the promotion, which nothing takes back at once: the service stays with the data it has.
            _refuse_after_promotion(_database(ctx), switched=True)
            return {}
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            _take_half_back(_database(ctx), Path(receipt["kept"]))
        return {}


@step("recovery.promotion_proof")
class PromotionProof:
    """Write where it should work, and see that the old primary takes nothing."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def apply(self, ctx: StepContext) -> Receipt:
        database = _database(ctx)
        with told():
            if not replication.takes_writes(database.dsn()):
                raise StepFailed(_("The new primary takes no writes."), retryable=True)
            # After the switch the standby's file holds the old primary's address.
            if replication.takes_writes(database.standby_dsn()):
                raise StepFailed(
                    _("The old primary takes writes: two primaries would drift apart."),
                    hint=_("Stop it, then retry."),
                )
        return {"old_primary_closed": True}

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        _refuse_after_promotion(_database(ctx), switched=True)
        return {}


def _refuse_after_promotion(database: DatabaseSpec, *, switched: bool) -> None:
    try:
        if replication.look(database.dsn() if switched else database.standby_dsn()).in_recovery:
            return
    except DatabaseUnreachable as error:
        raise StepFailed(
            _("Nobody can see whether the standby became the primary: %(why)s") % {"why": error.message},
            retryable=True,
            hint=_(
                "Start it, then retry. If its machine is stopped for good, open the old primary by hand:"
                " ALTER DATABASE … ALLOW_CONNECTIONS true; SELECT pg_drop_replication_slot('%(slot)s')."
            )
            % {"slot": replication.KEPT_LOG},
        ) from error
    back = _("Have the old primary made its standby and the primary again: bonanca replication rejoin --back.")
    begun = _("Start the promotion once more, which ends what was begun: bonanca replication promote.")
    raise NotUndoable(
        _("The standby is the primary now, and the old one lacks what was written since."),
        hint=back if switched else f"{begun} {back}",
    )


def _take_half_back(database: DatabaseSpec, kept: Path) -> None:
    """When both files name the new primary, the service's names the old one again.

    The next promotion would close the new primary as if it were the old one.
    """
    before = {name: kept / name for name in ("service", "standby")}
    if not all(path.exists() for path in before.values()):
        return
    both = {_standby(database).dsn_file.read_bytes(), database.dsn_file.read_bytes()}
    if both == {before["standby"].read_bytes()}:
        write_atomic(database.dsn_file, before["service"].read_bytes())


def _database(ctx: StepContext) -> DatabaseSpec:
    return database_of(get_service(ctx.params["service"]))


def _standby(database: DatabaseSpec) -> StandbySpec:
    if database.standby is None:
        raise StepFailed(_("This service declares no standby"))
    return database.standby


def _kept(ctx: StepContext) -> Path:
    return folders.root() / "switched" / str(ctx.run_id)
