"""A plan's fence inside the server that it changes.

A worker that was stopped and continued may hold an open session, or a statement that the server is still carrying
out. So the fence lives where the effect happens, in the maintenance database: the newest epoch of each plan
(`bonanca_fence`), and one row for each effect, in the effect's own transaction where there is one (`bonanca_effect`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from bonanca.actuators.postgres.sessions import Connection, maintenance_dsn, one, session
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.kernel.errors import Conflict, Unavailable

Facts = dict[str, Any]

_TABLES = """
    CREATE TABLE IF NOT EXISTS bonanca_fence (
        run text PRIMARY KEY, epoch bigint NOT NULL, seen_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE TABLE IF NOT EXISTS bonanca_effect (
        key text PRIMARY KEY, kind text NOT NULL, database text NOT NULL, facts jsonb NOT NULL,
        made_at timestamptz NOT NULL DEFAULT clock_timestamp());
    COMMENT ON TABLE bonanca_effect IS 'What Bonança did to the databases of this server, once per key.';
"""
_LOCK_SEED = 7041
_ENDING_S = 20.0


class DatabaseBusy(Conflict):
    """Another plan is working on the same database."""


@dataclass(frozen=True)
class Guard:
    """Permission to change one server, with its connection in the maintenance database (autocommit)."""

    dsn: str
    token: FenceToken
    connection: Connection

    def still_newest(self) -> None:
        """Raises Fenced when a newer epoch of the plan has come. In a transaction it keeps newer ones waiting."""
        epoch = one(
            self.connection, "SELECT epoch FROM bonanca_fence WHERE run = %s FOR SHARE", (str(self.token.run_id),)
        )
        if epoch is None or epoch > self.token.epoch:
            raise _fenced(self.token, epoch)

    def effect(self, key: str) -> Facts | None:
        """The facts recorded under an idempotency key, or None."""
        return recorded(self.connection, key)

    def record(self, key: str, kind: str, database: str, facts: Facts) -> Facts:
        """Record an effect; under a key that is recorded already, the first facts stay and are returned."""
        self.connection.execute(
            "INSERT INTO bonanca_effect (key, kind, database, facts) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (key, kind, database, Jsonb(facts)),
        )
        return self.effect(key) or facts


@contextmanager
def guarded(dsn: str, token: FenceToken, *, database: str, wait_s: float = 30.0) -> Iterator[Guard]:
    """Enter the server as the newest holder of a plan: older sessions of it are ended, other plans wait.

    Args:
        database: what is about to be changed; one plan at a time.
        wait_s: how long to wait for another plan on the same database.

    Raises:
        Fenced: this epoch is not the newest. DatabaseBusy: another plan did not end in time.
    """
    if token.verify is not None:
        token.verify()
    with session(maintenance_dsn(dsn), name=session_name(token)) as connection:
        make_tables(connection)
        _enter(connection, token)
        _lock(connection, database, wait_s)
        guard = Guard(dsn, token, connection)
        guard.still_newest()
        yield guard


def session_name(token: FenceToken) -> str:
    """application_name of a plan's sessions: `bonanca:<run>:<epoch>`, below PostgreSQL's 63 bytes."""
    return f"bonanca:{token.run_id}:{token.epoch}"


def recorded(connection: Connection, key: str) -> Facts | None:
    """The facts of an effect, read without a fence; None when there is none (or never was any on this server)."""
    if one(connection, "SELECT to_regclass('bonanca_effect')") is None:
        return None
    facts: Facts | None = one(connection, "SELECT facts FROM bonanca_effect WHERE key = %s", (key,))
    return facts


def effect_of(dsn: str, key: str) -> Facts | None:
    """As `recorded`, on a session of its own."""
    with session(maintenance_dsn(dsn)) as connection:
        return recorded(connection, key)


def make_tables(connection: Connection) -> None:
    """Create the fence's tables on a server that has none."""
    if one(connection, "SELECT to_regclass('bonanca_fence') IS NOT NULL AND to_regclass('bonanca_effect') IS NOT NULL"):
        return
    with connection.transaction():
        # Two plans may meet a fresh server at once, and IF NOT EXISTS alone does not order them.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('bonanca_fence', %s))", (_LOCK_SEED,))
        connection.execute(_TABLES)


def _enter(connection: Connection, token: FenceToken) -> None:
    """Claim the epoch and end what older ones hold.

    A stopped worker may hold our row of the fence in its open transaction: then it is ended first, as often as needed.
    """
    deadline = time.monotonic() + _ENDING_S
    connection.execute("SET lock_timeout = '200ms'")
    try:
        while True:
            _end_older(connection, token)
            try:
                _claim(connection, token)
                break
            except psycopg.errors.LockNotAvailable:
                if time.monotonic() > deadline:
                    raise
    finally:
        if not connection.broken:
            connection.execute("RESET lock_timeout")
    _end_older(connection, token)


def _claim(connection: Connection, token: FenceToken) -> None:
    claimed = one(
        connection,
        """
        INSERT INTO bonanca_fence AS known (run, epoch) VALUES (%s, %s)
        ON CONFLICT (run) DO UPDATE SET epoch = excluded.epoch, seen_at = clock_timestamp()
            WHERE known.epoch <= excluded.epoch
        RETURNING epoch
        """,
        (str(token.run_id), token.epoch),
    )
    if claimed is None:
        raise _fenced(token, one(connection, "SELECT epoch FROM bonanca_fence WHERE run = %s", (str(token.run_id),)))


def _end_older(connection: Connection, token: FenceToken) -> None:
    """End what older epochs of this plan left in the server, and see it end: a statement outlives its client."""
    query = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name ~ %s AND split_part(application_name, ':', 3)::bigint < %s
    """
    own = "pid <> pg_backend_pid()"
    pattern = f"^bonanca:{token.run_id}:[0-9]+$"
    deadline = time.monotonic() + _ENDING_S
    while one(connection, f"{query} AND {own}", (pattern, token.epoch)):
        if time.monotonic() > deadline:
            raise Unavailable(
                _("Sessions of an earlier attempt of this plan do not end on the server."),
                hint=_("Look at pg_stat_activity for application_name %(name)s.") % {"name": session_name(token)},
            )
        time.sleep(0.02)


def _lock(connection: Connection, database: str, wait_s: float) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{int(wait_s * 1000)}ms",))
    try:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, %s))", (f"database:{database}", _LOCK_SEED))
    except psycopg.errors.LockNotAvailable as error:
        raise DatabaseBusy(
            _("Another plan is working on the database %(name)s and did not end in %(seconds)d s.")
            % {"name": database, "seconds": int(wait_s)}
        ) from error
    finally:
        connection.execute("RESET lock_timeout")


def _fenced(token: FenceToken, epoch: int | None) -> Fenced:
    return Fenced(
        _("Epoch %(mine)d of plan %(run)s was overtaken by epoch %(newer)s.")
        % {"mine": token.epoch, "run": token.run_id, "newer": epoch}
    )
