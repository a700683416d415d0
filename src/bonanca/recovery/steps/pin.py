"""`recovery.pin`: keep the state of a service before a change, so that going back needs nothing from anywhere else."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from bonanca.actuators.files.store import FileState
from bonanca.actuators.git.releases import current_release
from bonanca.actuators.git.repository import GitRepository
from bonanca.actuators.postgres.databases import copy_database, database_sizes
from bonanca.actuators.postgres.fencing import Facts
from bonanca.actuators.postgres.properties import Properties, properties_of
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import at_database, derived_name, maintenance_dsn, session
from bonanca.catalog.queries import get_service
from bonanca.catalog.spec import DatabaseSpec, ServiceView
from bonanca.durable.context import Receipt, StepContext
from bonanca.durable.crashpoints import point
from bonanca.durable.registry import step
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.folders import contents
from bonanca.recovery.guards import refuse_own_server
from bonanca.recovery.operations.record_pin import KEPT_FOR, PinnedState, record_pin
from bonanca.recovery.queries import pin_by_key
from bonanca.recovery.steps.support import told, worker
from bonanca.recovery.views import PinView

# Nobody should write into a pin by mistake; a copy of it gets the real properties.
_READ_ONLY = ["", "default_transaction_read_only", "on"]


@step("recovery.pin")
class TakePin:
    """Params: `service`, `change_id`, optional `kept_h` (hours, default 168).

    The receipt has the pin's id and what it cost: `held_s` is how long new connections waited for the copy.
    Undo keeps the pin: it is what makes coming back possible, and it expires by itself.
    """

    unskippable = gettext_noop("Without the pinned state there is nothing to go back to.")

    def check(self, ctx: StepContext) -> Receipt | None:
        pin = pin_by_key(ctx.key)
        return None if pin is None else _receipt(pin)

    def apply(self, ctx: StepContext) -> Receipt:
        with told():
            service = get_service(ctx.params["service"])
            state: dict[str, Any] = {"taken_at": ctx.now(), "release_sha": _release(service)}
            state |= _configuration(service)
            if service.database is not None:
                ctx.progress(None, service.database.name)
                state |= _data(ctx, service.database)
            point("recovery.pin.kept")
            pin = record_pin(
                service=service.slug,
                change_id=str(ctx.params.get("change_id") or ""),
                state=PinnedState(**state),
                key=ctx.key,
                actor=worker(),
                now=ctx.now(),
                kept_for=timedelta(hours=float(ctx.params["kept_h"])) if "kept_h" in ctx.params else KEPT_FOR,
            )
            return _receipt(pin)

    def undo(self, ctx: StepContext, receipt: Receipt) -> Receipt:
        return {"kept": receipt["pin_id"]}


def _release(service: ServiceView) -> str:
    """The full commit id of the current release; its folder's name (the first digits) when git does not know it."""
    name = current_release(service.root) if service.root is not None else None
    if name is None:
        return ""
    if service.repository is None or "://" in service.repository.path:
        return name
    try:
        return GitRepository(Path(service.repository.path)).resolve(name)
    except BonancaError:
        return name  # a release that is there can be returned to, whatever became of the repository


def _configuration(service: ServiceView) -> dict[str, Any]:
    if service.config is None:
        return {}
    kept: FileState = contents().capture(service.config.file.resolve())
    return {
        "config_path": str(service.config.file),
        "config_sha256": kept.sha256 or "",
        "config_mode": kept.mode,
    }


def _data(ctx: StepContext, database: DatabaseSpec) -> dict[str, Any]:
    dsn = database.dsn()
    refuse_own_server(dsn)
    # The key's hash, not the run: one plan may pin one database twice.
    target = derived_name(database.name, "pin", hashlib.sha256(ctx.key.encode()).hexdigest()[:12])
    with session(maintenance_dsn(dsn)) as connection:
        properties = properties_of(connection, database.name)
    guarded = Properties(
        properties.owner, properties.connection_limit, properties.grants, [*properties.settings, _READ_ONLY]
    )
    facts: Facts = copy_database(
        dsn, source=database.name, target=target, token=ctx.token, key=ctx.key, properties=guarded
    )
    with session(at_database(dsn, target), read_only=True) as connection:
        rows = count_rows(connection)
    return {
        "taken_at": datetime.fromisoformat(facts["at"]),
        "database": database.name,
        "copy_name": target,
        "xid": facts["xid"],
        "lsn": facts["lsn"] or "",
        "properties": properties.to_json(),
        "row_counts": rows,
        "size_bytes": database_sizes(dsn).get(target),
        "held_seconds": facts["held_s"],
    }


def _receipt(pin: PinView) -> Receipt:
    return {
        "pin_id": str(pin.id),
        "release_sha": pin.release_sha,
        "config_sha256": pin.config_sha256,
        "database": pin.database,
        "copy": pin.copy_name,
        "taken_at": pin.taken_at.isoformat(),
        "held_s": pin.held_seconds,
        "size_bytes": pin.size_bytes,
        "rows": sum(pin.row_counts.values()),
    }
