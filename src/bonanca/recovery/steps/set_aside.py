"""`recovery.set_aside`: list and export the rows that the kept database has and the pin has not."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.files.atomic import sync_folder
from bonanca.actuators.postgres.rows import DeclaredTable, rows_since
from bonanca.actuators.postgres.sequences import advance_sequences
from bonanca.actuators.postgres.sessions import at_database, session
from bonanca.catalog.queries import get_service
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.errors import StepFailed
from bonanca.durable.registry import step
from bonanca.recovery.folders import set_aside_file
from bonanca.recovery.guards import database_of
from bonanca.recovery.operations.record_set_aside import Row, record_set_aside
from bonanca.recovery.queries import get_pin, set_aside_by_key
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.state import RowKind
from bonanca.recovery.steps.support import reporting, told, worker
from bonanca.recovery.views import SetAsideView

SHOW_EVERY = 1000


@step("recovery.set_aside")
class SetAsideRows:
    """Params: `service`, `pin_id`, optional `kept` (a database; default: the one that an earlier step kept).

    The kept rows are compared with the pin's copy. After a restore, with `against` "live", they are compared with the
    database that took their place, and `xid` is the transaction id from which on rows count as newer (empty: unknown).

    Rows go to BONANCA_HOME/recovery/set-aside/<run>.jsonl (0600), one JSON object a line: table, key, kind
    (new or changed) and row. The kept database is only read, and stays, so nothing depends on this list alone.
    Sequences of the restored database go on where the kept one's stand.
    Undo keeps it too.
    """

    unskippable = gettext_noop("Rows that were written since would be forgotten.")

    def check(self, ctx: StepContext) -> Receipt | None:
        found = set_aside_by_key(ctx.key)
        return None if found is None else _receipt(found)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            pin, live = get_pin(UUID(ctx.params["pin_id"])), database_of(get_service(ctx.params["service"])).name
            # Nothing writes yet: a restored database is as it was restored.
            earlier = live if ctx.params.get("against") == "live" else pin.copy_name
            newer, xid = str(ctx.params.get("kept") or _kept(ctx)), str(ctx.params.get("xid", pin.xid))
            return _receipt(set_rows_aside(ctx, key=ctx.key, newer=newer, earlier=earlier, xid=xid))

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept_list": receipt["set_aside_id"]}


def set_rows_aside(
    ctx: StepContext, *, key: str, newer: str, earlier: str, xid: str, decide: bool = False
) -> SetAsideView:
    """List and export the rows that the database `newer` has and `earlier` has not, once under `key`.

    Args:
        xid: the transaction id from which on rows count as newer (empty: unknown, all are compared).
        decide: every row waits for a person; else new ones wait to be applied again by this plan.
    """
    path = set_aside_file(str(ctx.run_id))
    _keep_numbers(ctx, newer)
    sha256, rows = _export(ctx, newer, earlier, xid, path)
    point("recovery.set_aside.exported")
    return record_set_aside(
        key=key,
        run_id=ctx.run_id,
        service=ctx.params["service"],
        pin_id=UUID(ctx.params["pin_id"]),
        kept_database=newer,
        file=path,
        file_sha256=sha256,
        rows=rows,
        decide=decide,
        actor=worker(),
        now=ctx.now(),
    )


def aside_before_undo(ctx: StepContext, forth: Receipt, back: Receipt) -> Receipt:
    """Set aside what was written since a database took its place (`forth`), now that an undo has replaced it (`back`).

    The rows that the rollback itself applied again are in both, and are not listed.
    """
    database, key = database_of(get_service(ctx.params["service"])), f"{ctx.key}:undo:rows"
    if not database.rows_at_risk or not back.get("kept"):
        return back
    found = set_aside_by_key(key) or set_rows_aside(
        ctx, key=key, newer=back["kept"], earlier=database.name, xid=str(forth.get("xid") or ""), decide=True
    )
    return {**back, "set_aside_id": str(found.id), "rows": found.total}


def _export(ctx: StepContext, newer_name: str, earlier_name: str, xid: str, path: Path) -> tuple[str, list[Row]]:
    """Write the rows to a file in one step; returns its SHA-256 and what it lists."""
    database = database_of(get_service(ctx.params["service"]))
    dsn, rows, summed, report = database.dsn(), list[Row](), hashlib.sha256(), reporting(ctx)
    partial = path.with_suffix(f".{ctx.token.epoch}.partial")
    with (
        session(at_database(dsn, newer_name), name="bonanca set aside", read_only=True) as newer,
        session(at_database(dsn, earlier_name), name="bonanca set aside", read_only=True) as earlier,
        disk_full_named(path),
        os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
    ):
        for declared in database.rows_at_risk:
            table = DeclaredTable(declared.table, declared.key, declared.written_at)
            for row in rows_since(newer, earlier, table, xid=xid):
                # The row is PostgreSQL's own JSON text: reading it here could round its numbers.
                head = json.dumps({"table": row.table, "key": row.key, "kind": row.kind}, ensure_ascii=False)
                line = f'{head[:-1]}, "row": {row.row}}}\n'.encode()
                out.write(line)
                summed.update(line)
                rows.append((row.table, row.key, RowKind(row.kind)))
                if len(rows) % SHOW_EVERY == 0:
                    report(None, _("%(count)d rows") % {"count": len(rows)})
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
    sync_folder(path.parent)
    return summed.hexdigest(), rows


def _keep_numbers(ctx: StepContext, kept: str) -> None:
    """Before anybody can order again: numbers of rows that wait in the list are not given to others."""
    dsn = database_of(get_service(ctx.params["service"])).dsn()
    with session(at_database(dsn, kept), read_only=True) as newer, session(dsn) as live:
        advance_sequences(newer, live)


def _kept(ctx: StepContext) -> str:
    for receipt in ctx.receipts.values():
        if "kept" in receipt and "live" in receipt:
            return str(receipt["kept"])
    raise StepFailed(_("No earlier step of this plan kept a database to read the rows from."))


def _receipt(found: SetAsideView) -> Receipt:
    waiting = Counter(found.counts)
    return {
        "set_aside_id": str(found.id),
        "file": found.file,
        "kept_database": found.kept_database,
        "rows": found.total,
        "to_reapply": waiting["pending"],
        "to_decide": waiting["decision"],
    }
