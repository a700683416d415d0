"""An old primary becomes a standby: `recovery.rejoin_preflight`, `rejoin_close`, `rejoin`, `rejoin_follows`.

Params of all: `service`, `rewind` (else the new primary is copied), `data` (the old server's folder, as previewed).
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import sync_folder, write_atomic
from bonanca.actuators.postgres import rejoining, replication
from bonanca.actuators.postgres.sessions import DatabaseUnreachable
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec, ServerSpec, ServiceView
from bonanca.durable.commands import CommandFailed
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import StepFailed
from bonanca.durable.fence import fenced
from bonanca.durable.registry import step
from bonanca.recovery.guards import database_of, refuse_own_server
from bonanca.recovery.operations.preview_rejoin import must_copy, old_server
from bonanca.recovery.rejoin_notes import forget_rewind, note_rewind, rewind_of, run_note
from bonanca.recovery.steps.support import mark_of, told

log = structlog.get_logger(__name__)

ASK_EVERY_S = 0.2
COMMAND_S = 120.0


class _Old:
    """Nothing to undo: what has become a standby takes no writes, and stays one."""

    def check(self, ctx: StepContext) -> Receipt | None:
        return None

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"stays": "standby"}


@step("recovery.rejoin_preflight")
class RejoinPreflight(_Old):
    """Look again at both; what was approved must still be what there is. Nothing is touched."""

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            service, database, server = _place(ctx)
            refuse_own_server(database.dsn())
            folder, primary = rejoining.look_into(server.data), replication.look(database.dsn())
            why = must_copy(service, database, folder) if ctx.params["rewind"] else ""
        if primary.in_recovery or primary.system_identifier != folder.system_identifier:
            raise StepFailed(
                _("%(path)s is the folder of another server, no copy of the primary.") % {"path": server.data}
            )
        if why:
            # Approved was a rewind, which throws away what only the old server has.
            raise StepFailed(why, hint=_("Nothing was touched. Look at the preview again, and start a new plan."))
        return {"timeline": primary.timeline}


@step("recovery.rejoin_close")
class RejoinClose(_Old):
    """Close the service's database on the old primary, so that it takes nothing while it still runs."""

    def apply(self, ctx: StepContext) -> Receipt:
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            dsn = _place(ctx)[1].standby_dsn()
            try:
                if replication.look(dsn).in_recovery:
                    return {"closed": False}
            except DatabaseUnreachable:
                return {"closed": False}
            return {"closed": True, "lsn": replication.fence(dsn)}


@step("recovery.rejoin")
class Rejoin(_Old):
    """Stop the old server, make its files the new primary's, start it as a standby."""

    def check(self, ctx: StepContext) -> Receipt | None:
        receipt: Receipt | None = _read(_note(ctx)).get("receipt")
        if receipt is None and ctx.asked_by_undo:
            data = Path(ctx.params["data"])
            away = _kept_as(data, ctx)
            return {"away": str(away)} if away.exists() and not data.exists() else None
        return receipt

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        if "away" not in receipt:
            return super().undo(ctx, receipt)
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            # Between two renames the folder has no name under which anybody would look for it.
            data, away = Path(ctx.params["data"]), Path(receipt["away"])
            if away.exists() and not data.exists():
                away.rename(data)
                sync_folder(data.parent)
        return {"data": str(data)}

    def apply(self, ctx: StepContext) -> Receipt:
        with told(), fenced(f"replication:{ctx.params['service']}", ctx.token):
            if receipt := self.check(ctx):
                return receipt  # while this waited, the worker that had the plan before has ended it
            _service, database, server = _place(ctx)
            limits: dict[str, Any] = {"timeout_s": COMMAND_S, "watch": ctx.still_mine}
            rejoining.stop(server.data, server.stop, **limits)
            point("recovery.rejoin.stopped")
            receipt = self._bring(ctx, database, server)
            point("recovery.rejoin.brought")
            rejoining.follow(server.data, database.dsn())
            rejoining.start(server.start, **limits)
            point("recovery.rejoin.started")
            forget_rewind(server.data)
            point("recovery.rejoin.forgotten")
            write_atomic(_note(ctx), json.dumps({"receipt": receipt}).encode())
        return receipt

    def _bring(self, ctx: StepContext, database: DatabaseSpec, server: ServerSpec) -> dict[str, Any]:
        """Rewind, once. Whatever was left in the middle is kept aside, and the new primary copied."""
        known, begun = _read(_note(ctx)), rewind_of(server.data)
        if known.get("rewound"):
            return {"method": "rewind"}
        # Begun by this plan, or by one that ended in the middle of it.
        why = known.get("why", "approved" if begun is None else "interrupted")
        if ctx.params["rewind"] and not known and begun is None:
            why = self._rewound(ctx, database, server)
            if not why:
                return {"method": "rewind"}
            begun = rewind_of(server.data)
        write_atomic(_note(ctx), json.dumps({"why": why}).encode())
        keep_as = _kept_as(server.data, ctx)
        found = rejoining.look_into(server.data if server.data.exists() else keep_as)
        point("recovery.rejoin.copying")
        rejoining.copy(
            replace(found, data=server.data), database.dsn(), keep_as, settings=begun,
            timeout_s=ctx.remaining_s(), watch=ctx.still_mine,
        )  # fmt: skip
        return {"method": "copy", "kept": str(keep_as), "why": why}

    def _rewound(self, ctx: StepContext, database: DatabaseSpec, server: ServerSpec) -> str:
        """Try; empty when it worked, else why the new primary has to be copied."""
        limits: dict[str, Any] = {"timeout_s": ctx.remaining_s(), "watch": ctx.still_mine}
        folder = rejoining.look_into(server.data)
        try:
            back_to = rejoining.common_checkpoint(folder, database.dsn(), **limits)
            if back_to and not replication.has_log_since(database.dsn(), back_to):
                return _("The new primary has not kept its log since the promotion.")
            settings = rejoining.settings_of(server.data)
            note_rewind(server.data, settings)
            point("recovery.rejoin.rewinding")
            rejoining.rewind(folder, database.dsn(), settings=settings, **limits)
        except CommandFailed as problem:
            log.warning("the rewind failed; the new primary is copied instead", why=problem.message)
            return problem.message[:500]
        write_atomic(_note(ctx), json.dumps({"rewound": True}).encode())
        return ""


@step("recovery.rejoin_follows")
class RejoinFollows(_Old):
    """Wait until the old server streams from the new primary and has everything up to now."""

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            database = _place(ctx)[1]
            lsn = replication.look(database.dsn()).lsn
            while True:
                behind = _behind(database, lsn)
                if not behind:
                    for dsn in (database.standby_dsn(), database.dsn()):
                        replication.let_log_go(dsn)
                    return {"lsn": lsn}
                ctx.still_mine()
                if ctx.remaining_s() < COMMAND_S / 2:
                    raise StepFailed(behind, hint=_("See the log of the old server, remove the cause, then retry."))
                ctx.progress(None, behind)
                time.sleep(ASK_EVERY_S)


def _behind(database: DatabaseSpec, lsn: str) -> str:
    """Why it does not follow yet; empty when it does."""
    try:
        old = replication.look(database.standby_dsn())
    except DatabaseUnreachable as starting:
        return starting.message
    if not old.in_recovery:
        return _("The old server is a primary still.")
    if old.streaming is False:
        return _("The standby does not receive: its stream is broken.")
    if not replication.replayed(database.standby_dsn(), lsn):
        return _("The standby has not everything yet (%(lsn)s).") % {"lsn": lsn}
    return ""


def _place(ctx: StepContext) -> tuple[ServiceView, DatabaseSpec, ServerSpec]:
    service = get_service(ctx.params["service"])
    database = database_of(service)
    if database.standby is None:
        raise StepFailed(_("This service declares no standby"))
    server = old_server(database)
    if server.data != Path(ctx.params["data"]):
        raise StepFailed(
            _("The old primary is %(now)s now, and %(then)s was approved.")
            % {"now": server.data, "then": ctx.params["data"]},
            hint=_("Nothing was touched. Look at the preview again, and start a new plan."),
        )
    return service, database, server


def _kept_as(data: Path, ctx: StepContext) -> Path:
    return data.with_name(f"{data.name}.before-{mark_of(ctx.run_id)}")


def _note(ctx: StepContext) -> Path:
    return run_note(ctx.run_id)


def _read(note: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(note.read_bytes())
    except FileNotFoundError:
        return {}
    return found
