"""The data's part of a pin, in each of its kinds: what it keeps, and what it costs the service while it is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.databases import copy_database, database_sizes
from bonanca.actuators.postgres.dump import dump_folder, exported_snapshot
from bonanca.actuators.postgres.fencing import Facts, effect_of
from bonanca.actuators.postgres.properties import Properties, properties_of
from bonanca.actuators.postgres.restoring import restore_as_new
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import (
    at_database,
    derived_name,
    maintenance_dsn,
    one,
    session,
    system_identifier,
)
from bonanca.catalog.spec import DatabaseSpec, ServiceView
from bonanca.durable.context import StepContext
from bonanca.durable.errors import StepFailed
from bonanca.recovery.engines import Target
from bonanca.recovery.engines.chains import newest_before
from bonanca.recovery.guards import refuse_own_server
from bonanca.recovery.operations.create_restore_point import create_restore_point
from bonanca.recovery.parallel_dump import restore_jobs
from bonanca.recovery.queries import wal_of
from bonanca.recovery.sealing import disk_full_named
from bonanca.recovery.state import PinKind
from bonanca.recovery.steps.support import reporting, worker
from bonanca.recovery.steps.workspace import workspace

# Nobody should write into a pin by mistake; a copy of it gets the real properties.
_READ_ONLY = ["", "default_transaction_read_only", "on"]


def pinned_data(ctx: StepContext, service: ServiceView, database: DatabaseSpec, kind: PinKind) -> dict[str, Any]:
    """Keep the data as `kind` says; returns the pin's fields.

    Raises:
        OwnServer, and what the kind's own way raises: the service's database is as it was.
    """
    dsn = database.dsn()
    refuse_own_server(dsn)
    with session(maintenance_dsn(dsn)) as connection:
        properties = properties_of(connection, database.name)
    state = {
        "kind": kind,
        "database": database.name,
        "properties": properties.to_json(),
        "system_identifier": system_identifier(maintenance_dsn(dsn)),
    }
    return state | _WAYS[kind](ctx, service, database, properties)


def _copy(ctx: StepContext, service: ServiceView, database: DatabaseSpec, properties: Properties) -> dict[str, Any]:
    """A byte-for-byte copy by the server itself, while new connections wait."""
    facts = copy_database(
        database.dsn(),
        source=database.name,
        target=copy_name(ctx, database),
        token=ctx.token,
        key=ctx.key,
        properties=_guarded(properties),
    )
    return _of_copy(ctx, database, facts)


def _snapshot(ctx: StepContext, service: ServiceView, database: DatabaseSpec, properties: Properties) -> dict[str, Any]:
    """A copy of what one snapshot sees, dumped and loaded beside while everybody writes on; nobody waits for it."""
    dsn = database.dsn()
    facts = effect_of(dsn, ctx.key)
    if facts is None:
        began, say = monotonic(), reporting(ctx)
        with workspace(ctx) as folder, disk_full_named(folder):
            with exported_snapshot(dsn) as snapshot:
                say(0.05, _("dumping"))
                dump_folder(dsn, folder / "dump", snapshot=snapshot.name)
            expected = max(1, database_sizes(dsn).get(database.name, 1))
            moment = {"at": snapshot.at.isoformat(), "xid": snapshot.xid, "lsn": snapshot.lsn, "held_s": 0.0}
            facts = restore_as_new(
                dsn,
                archive=folder / "dump",
                target=copy_name(ctx, database),
                like=database.name,
                token=ctx.token,
                key=ctx.key,
                properties=_guarded(properties),
                jobs=restore_jobs(service),
                watch=lambda size: say(min(0.95, 0.3 + 0.65 * size / expected), f"{size / 1e6:.1f} MB"),
                extra={**moment, "method": "dump", "dump_s": round(monotonic() - began, 3)},
            )
    return _of_copy(ctx, database, facts) | {"took_seconds": round(facts["dump_s"] + facts["seconds"], 3)}


def _log(ctx: StepContext, service: ServiceView, database: DatabaseSpec, properties: Properties) -> dict[str, Any]:
    """A named position in the log, which is archived anyway: nothing is copied and nobody waits, whatever the size."""
    outside = service.backup is not None and service.backup.pgbackrest is not None
    (_refuse_unarchived if outside else _refuse_unreceived)(service, database)
    if newest_before(service.slug, Target("latest")) is None:
        raise StepFailed(
            _("There is no physical backup of %(service)s that the log could go on from.") % {"service": service.slug},
            hint=_("Take one first: bonanca backup take %(service)s") % {"service": service.slug},
        )
    began = monotonic()
    with session(maintenance_dsn(database.dsn()), read_only=True) as connection:
        # Before the point: what a transaction that runs now writes is newer in any case.
        xid = str(one(connection, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
        at = one(connection, "SELECT clock_timestamp()").astimezone(UTC)
    # A worker that takes over names a point of its own: in the log only the first of a name counts.
    name = f"pin-{_mark(ctx)}-{ctx.token.epoch}"
    point = create_restore_point(service=service.slug, name=name, actor=worker(), now=ctx.now())
    if outside:
        # Its segment is archived when it ends, and somebody may want to go back in a minute.
        with session(maintenance_dsn(database.dsn())) as connection, suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT pg_switch_wal()")
    return {
        "taken_at": at,
        "point": point.name,
        "lsn": point.lsn,
        "xid": xid,
        "size_bytes": 0,
        "held_seconds": 0.0,
        "took_seconds": round(monotonic() - began, 3),
        "method": "log",
    }


def _refuse_unreceived(service: ServiceView, database: DatabaseSpec) -> None:
    received = wal_of(service.slug)
    if received is None or not received.running or received.error:
        why = received.error if received is not None and received.error else _("the receiver does not run")
        raise _not_archived(service, why, passing=received is not None)


def _refuse_unarchived(service: ServiceView, database: DatabaseSpec) -> None:
    with session(maintenance_dsn(database.dsn()), read_only=True) as connection:
        failing = one(
            connection,
            "SELECT last_failed_wal FROM pg_stat_archiver"
            " WHERE last_failed_time > coalesce(last_archived_time, '-infinity')",
        )
    if failing:
        raise _not_archived(service, _("the server could not archive %(name)s") % {"name": failing}, passing=True)


def _not_archived(service: ServiceView, why: str, *, passing: bool) -> StepFailed:
    return StepFailed(
        _("The log of %(service)s is not being archived (%(why)s): one could not go back to this moment.")
        % {"service": service.slug, "why": why},
        retryable=passing,
        hint=_("See the service's backup page, or declare another kind of pin: copy or snapshot."),
    )


_WAYS: dict[PinKind, Callable[[StepContext, ServiceView, DatabaseSpec, Properties], dict[str, Any]]] = {
    PinKind.COPY: _copy,
    PinKind.SNAPSHOT: _snapshot,
    PinKind.LOG: _log,
}


def _of_copy(ctx: StepContext, database: DatabaseSpec, facts: Facts) -> dict[str, Any]:
    dsn, target = database.dsn(), facts["target"]
    with session(at_database(dsn, target), read_only=True) as connection:
        rows = count_rows(connection)
    return {
        "taken_at": datetime.fromisoformat(facts["at"]),
        "copy_name": target,
        "xid": facts["xid"],
        "lsn": facts["lsn"] or "",
        "row_counts": rows,
        "size_bytes": database_sizes(dsn).get(target),
        "held_seconds": facts["held_s"],
        "took_seconds": facts["seconds"],
        "method": facts["method"] or "",
    }


def _guarded(properties: Properties) -> Properties:
    return Properties(
        properties.owner, properties.connection_limit, properties.grants, [*properties.settings, _READ_ONLY]
    )


def copy_name(ctx: StepContext, database: DatabaseSpec) -> str:
    """The database that is the pin's copy."""
    return derived_name(database.name, "pin", _mark(ctx))


def _mark(ctx: StepContext) -> str:
    # The key's hash, not the run: one plan may pin one database twice.
    return hashlib.sha256(ctx.key.encode()).hexdigest()[:12]
