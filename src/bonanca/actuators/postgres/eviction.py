"""Empty a database of sessions for the moment in which it is copied or renamed.

Nothing is ever *closed* (no ALLOW_CONNECTIONS false): CREATE DATABASE … TEMPLATE and ALTER DATABASE … RENAME lock the
database before they wait for its sessions to end, and a new connection waits behind that lock instead of being refused.
So the service's pool reconnects into a short pause, and a crash of ours in the middle leaves nothing to repair: the
server drops the lock with the session (measured: four clients, 0.7 s of copying, no refused connection).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC

import psycopg

from bonanca.actuators.postgres.sessions import Connection, session

GRACE_S = 0.5
_EVERY_S = 0.01

# Idle sessions lose nothing; one that is inside a transaction may finish it first, for a short while.
_END = """
    SELECT count(*), count(pg_terminate_backend(pid)) FILTER (WHERE %(all)s OR state = 'idle')
    FROM pg_stat_activity
    WHERE datname = ANY(%(names)s) AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'parallel worker')
"""
_SNAPSHOT = """
    SELECT clock_timestamp(), pg_snapshot_xmax(pg_current_snapshot())::text,
           CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_lsn()::text END
"""


@dataclass(frozen=True)
class Moment:
    """A moment of the server: its clock (ISO 8601), the first transaction id not yet given (xid8), its WAL position."""

    at: str
    xid: str
    lsn: str | None


@dataclass
class Emptying:
    """What came of it. `empty_at` is the last moment in which the databases were seen without sessions."""

    ended: int = 0
    empty_at: Moment | None = None
    problem: Exception | None = field(default=None)


def moment(connection: Connection) -> Moment:
    """The server's present moment."""
    at, xid, lsn = connection.execute(_SNAPSHOT).fetchone()  # type: ignore[misc] # a SELECT without FROM has a row
    return Moment(at.astimezone(UTC).isoformat(), str(xid), lsn)


@contextmanager
def emptied(dsn: str, *databases: str, name: str, grace_s: float = GRACE_S) -> Iterator[Emptying]:
    """End the sessions of `databases` from a second connection while the caller's statement waits for that.

    Args:
        dsn: of the maintenance database.
        name: application_name of the second connection, so that the plan's fence finds it.
        grace_s: how long a session inside a transaction may take to finish it.
    """
    result, done = Emptying(), threading.Event()
    with session(dsn, name=name) as connection:
        thread = threading.Thread(
            target=_empty, args=(connection, list(databases), grace_s, result, done), name="emptying", daemon=True
        )
        thread.start()
        try:
            yield result
        finally:
            done.set()
            thread.join()
    if result.problem is not None:
        raise result.problem


def _empty(connection: Connection, names: list[str], grace_s: float, result: Emptying, done: threading.Event) -> None:
    began = time.monotonic()
    try:
        while not done.is_set():
            hard = time.monotonic() - began >= grace_s
            row = connection.execute(_END, {"names": names, "all": hard}).fetchone()
            present, ended = row if row else (0, 0)
            result.ended += ended
            if present == 0 and result.empty_at is None:
                result.empty_at = moment(connection)
            elif present:
                # Somebody slipped in before the lock was taken: what they wrote belongs to the copy.
                result.empty_at = None
            done.wait(_EVERY_S)
    except psycopg.Error as problem:
        result.problem = problem
