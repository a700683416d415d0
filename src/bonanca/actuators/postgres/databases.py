"""Whole databases: copy one, put another in its place, drop one. Each happens once per key, fenced in its server.

The login needs the rights to create databases, to own the ones concerned and to end their sessions (a superuser has
them; without being one: CREATEDB, membership in the owning role, pg_signal_backend).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql

from bonanca.actuators.postgres.eviction import GRACE_S, emptied, moment
from bonanca.actuators.postgres.fencing import Facts, Guard, guarded, session_name
from bonanca.actuators.postgres.keeping import give_back
from bonanca.actuators.postgres.properties import DatabaseMissing, Properties, give_properties, properties_of
from bonanca.actuators.postgres.sessions import Connection, execute, maintenance_dsn, one, session
from bonanca.durable.context import FenceToken
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import Conflict, Invalid, Unavailable

T = TypeVar("T")
_TRIES = 3


class DatabaseInUse(Unavailable):
    """Sessions, prepared transactions or replication slots keep the database from being copied or renamed."""


class NotEnoughRights(Invalid):
    """The login may not do this on the server."""


def database_exists(dsn: str, name: str) -> bool:
    """Whether the server has a database of that name."""
    with session(maintenance_dsn(dsn)) as connection:
        return database_there(connection, name)


def database_sizes(dsn: str) -> dict[str, int]:
    """Bytes on disk of every database that this login may look at."""
    with session(maintenance_dsn(dsn)) as connection:
        rows = connection.execute(
            "SELECT datname, pg_database_size(oid) FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')"
        )
        return dict(rows.fetchall())


def copy_database(
    dsn: str,
    *,
    source: str,
    target: str,
    token: FenceToken,
    key: str,
    properties: Properties | None = None,
    grace_s: float = GRACE_S,
) -> Facts:
    """Make `target` a byte-for-byte copy of `source` (CREATE DATABASE … STRATEGY FILE_COPY), once under `key`.

    The source's sessions are ended; new ones wait for the copy and then go on. `properties` are given to the copy
    (default: the source's). With PostgreSQL 18 the file system shares the blocks where it can.

    Returns:
        JSON facts: source, target, made (False: an interrupted attempt had made it), held_s (seconds during which
        new connections waited), seconds, method, ended (sessions), at, xid, lsn (the moment of the copy; of an
        interrupted attempt the moment before it, which is early rather than late), properties.

    Raises:
        DatabaseMissing, DatabaseInUse, NotEnoughRights, Unavailable (disk full, server lost): `source` is as it was.
        Conflict: `target` exists and is not ours. Fenced: a newer epoch has the plan.
    """
    with guarded(dsn, token, database=source) as guard:
        done = guard.effect(key)
        if done is not None:
            return done
        wanted = properties or properties_of(guard.connection, source)
        if not database_there(guard.connection, source):
            raise DatabaseMissing(_("There is no database %(name)s on the server.") % {"name": source})
        began = time.monotonic()
        intent = guard.effect(f"{key}:intent")
        if intent is None:
            if database_there(guard.connection, target):
                raise Conflict(_("There is a database %(name)s already, and it is not ours.") % {"name": target})
            intent = guard.record(f"{key}:intent", "copy.intent", source, asdict(moment(guard.connection)))
        facts: Facts = {"source": source, "target": target, "made": False, "held_s": None, "method": None, "ended": 0}
        facts |= intent
        if not database_there(guard.connection, target):
            point("postgres.copy.before")
            facts |= _copy(guard, source, target, grace_s)
        point("postgres.copy.made")
        give_properties(guard.connection, target, wanted)
        facts |= {"seconds": round(time.monotonic() - began, 3), "properties": wanted.to_json()}
        return guard.record(key, "copy", source, facts)


def _copy(guard: Guard, source: str, target: str, grace_s: float) -> Facts:
    connection = guard.connection
    # FILE_COPY begins with a checkpoint while new connections wait: write most of it before they have to.
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute("CHECKPOINT")
    statement = sql.SQL("CREATE DATABASE {} WITH TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(target), sql.Identifier(source)
    )
    methods = ["clone", "copy"] if connection.info.server_version >= 180_000 else ["copy"]
    for method in methods:
        if len(methods) > 1:
            connection.execute("SELECT set_config('file_copy_method', %s, false)", (method,))

        def attempt() -> tuple[float, Facts]:
            began = time.monotonic()
            maintenance, name = maintenance_dsn(guard.dsn), session_name(guard.token)
            with emptied(maintenance, source, name=name, grace_s=grace_s) as emptying:
                connection.execute(statement)
            held_s = time.monotonic() - began
            return held_s, {"ended": emptying.ended} | (asdict(emptying.empty_at) if emptying.empty_at else {})

        try:
            held_s, facts = insisting(source, attempt)
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.SystemError):
            if method == methods[-1]:
                raise
            continue  # the file system cannot share blocks
        return facts | {"made": True, "held_s": round(held_s, 3), "method": method}
    raise AssertionError("one method at least")


def adopt_database(dsn: str, *, source: str, whole: str, target: str, token: FenceToken, key: str) -> Facts | None:
    """Rename `source`, a copy that was made beforehand, to `target`, once under `key`.

    None: it is not there, or not whole (`whole` is the key under which it was made), or a copy of another kind was
    begun under `key`, which `copy_database` goes on with.

    Returns:
        JSON facts as those of `copy_database`, with the method `spare`.

    Raises:
        NotEnoughRights, Unavailable: nothing was changed. Fenced: a newer epoch has the plan.
    """
    with guarded(dsn, token, database=source) as guard:
        done = guard.effect(key)
        begun = guard.effect(f"{key}:intent") is not None
        if done is not None or begun or guard.effect(whole) is None or not database_there(guard.connection, source):
            return done
        began = time.monotonic()

        def attempt() -> Facts:
            # Nobody has business in it; a monitoring program may look in all the same.
            ending = emptied(maintenance_dsn(dsn), source, name=session_name(token))
            with ending as emptying, guard.connection.transaction():
                guard.still_newest()
                execute(guard.connection, "ALTER DATABASE {} RENAME TO {}", source, target)
                facts: Facts = {"source": source, "target": target, "made": True, "held_s": 0.0, "method": "spare"}
                facts |= {"ended": emptying.ended, "seconds": round(time.monotonic() - began, 3)}
                point("postgres.adopt.renamed")
                return guard.record(key, "copy", source, facts)

        return insisting(source, attempt)


def swap_databases(dsn: str, *, live: str, incoming: str, keep_as: str, token: FenceToken, key: str) -> Facts:
    """Rename `live` to `keep_as` and `incoming` to `live` in one transaction, once under `key`.

    Whatever happens on the way, `live` is the old database or the new one, and the replaced one is kept. The time does
    not grow with the size. Sessions of both are ended; those that come meanwhile wait and meet the new database.

    Returns:
        JSON facts: live, kept, incoming, held_s, ended, at, xid, lsn (the moment of the swap).

    Raises:
        DatabaseMissing, DatabaseInUse, NotEnoughRights, Unavailable: nothing was changed.
        Conflict: there is a `keep_as` already. Fenced: a newer epoch has the plan.
    """
    with guarded(dsn, token, database=live) as guard:
        done = guard.effect(key)
        if done is not None:
            return done
        for name in (live, incoming):
            if not database_there(guard.connection, name):
                raise DatabaseMissing(_("There is no database %(name)s on the server.") % {"name": name})
        if database_there(guard.connection, keep_as):
            raise Conflict(_("There is a database %(name)s already, and it is not ours.") % {"name": keep_as})
        began = time.monotonic()

        def attempt() -> Facts:
            maintenance, name = maintenance_dsn(dsn), session_name(token)
            with emptied(maintenance, live, incoming, name=name) as emptying, guard.connection.transaction():
                guard.still_newest()
                execute(guard.connection, "ALTER DATABASE {} RENAME TO {}", live, keep_as)
                execute(guard.connection, "ALTER DATABASE {} RENAME TO {}", incoming, live)
                give_back(guard.connection, name=incoming, now_named=live)
                facts = {"live": live, "kept": keep_as, "incoming": incoming, "ended": emptying.ended}
                facts |= asdict(emptying.empty_at or moment(guard.connection))
                facts["held_s"] = round(time.monotonic() - began, 3)
                point("postgres.swap.renamed")
                # In the renames' own transaction: the effect and its record are one.
                return guard.record(key, "swap", live, facts)

        return insisting(live, attempt)


def drop_database(dsn: str, *, name: str, token: FenceToken) -> bool:
    """Drop a database and end its sessions; returns whether there was one.

    Raises:
        NotEnoughRights, Unavailable: it is still there.
    """
    with guarded(dsn, token, database=name) as guard:
        present = database_there(guard.connection, name)
        if present:
            insisting(name, lambda: execute(guard.connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name))
        return present


def effects_on(dsn: str, databases: Collection[str], kinds: Collection[str]) -> list[dict[str, Any]]:
    """What was done to databases on this server, oldest first: key, made_at, database and the facts."""
    with session(maintenance_dsn(dsn)) as connection:
        if one(connection, "SELECT to_regclass('bonanca_effect')") is None:
            return []
        rows = connection.execute(
            "SELECT key, made_at, database, facts FROM bonanca_effect"
            " WHERE database = ANY(%s) AND kind = ANY(%s) ORDER BY made_at",
            (list(databases), list(kinds)),
        )
        return [
            {**facts, "key": key, "made_at": made_at, "database": database} for key, made_at, database, facts in rows
        ]


def database_there(connection: Connection, name: str) -> bool:
    """Whether the server of the connection has a database of that name."""
    return one(connection, "SELECT 1 FROM pg_database WHERE datname = %s", (name,)) is not None


def insisting(database: str, attempt: Callable[[], T]) -> T:
    """Run `attempt` again while stubborn sessions keep the database busy; PostgreSQL itself waits 5 s each time."""
    for left in reversed(range(_TRIES)):
        try:
            return attempt()
        except psycopg.errors.ObjectInUse as error:
            if left == 0:
                raise DatabaseInUse(
                    _("The database %(name)s is in use and its sessions do not end: %(reason)s")
                    % {"name": database, "reason": error.diag.message_detail or error.diag.message_primary},
                    hint=_("Prepared transactions and replication slots have to be ended by hand."),
                ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotEnoughRights(
                _("The database login may not do this: %(reason)s") % {"reason": error.diag.message_primary},
                hint=_("It needs CREATEDB, membership in the role that owns the database, and pg_signal_backend."),
            ) from error
        except psycopg.errors.DiskFull as error:
            raise Unavailable(
                _("The disk of the PostgreSQL server is full: %(reason)s") % {"reason": error.diag.message_primary},
                hint=_("Free space (expired pins and kept databases are listed on the service's backup page)."),
            ) from error
    raise AssertionError("the last try raises")
