"""What a primary and its standby say about their replication; fencing, promoting, admitting."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.sessions import (
    Connection,
    DatabaseUnreachable,
    database_name,
    execute,
    maintenance_dsn,
    one,
    session,
)
from bonanca.kernel.errors import Conflict

TIMEOUT_S = 10.0
KEPT_LOG = "bonanca_rejoin"


class NotFenced(Conflict):
    """The old primary still takes writes."""


class NotPromoted(Conflict):
    """The standby did not become a primary in time."""


@dataclass(frozen=True)
class Server:
    """One of the two. LSNs as text; `wal_bytes` and `slot_bytes` are None where the login may not see them.

    `kept_bytes`: what the slot of `keep_log` holds back, None without one. `admits`: whether the database of the
    address takes sessions; None: it is not there.
    """

    in_recovery: bool
    system_identifier: str
    timeline: int
    lsn: str
    replayed_at: datetime | None
    checkpoint_at: datetime
    wal_bytes: int | None
    slot_bytes: int | None
    streaming: bool | None
    kept_bytes: int | None = None
    admits: bool | None = None


def look(dsn: str) -> Server:
    """Ask a server.

    Raises:
        DatabaseUnreachable.
    """
    with session(maintenance_dsn(dsn), name="bonanca replication", read_only=True, timeout_s=TIMEOUT_S) as connection:
        recovering = bool(one(connection, "SELECT pg_is_in_recovery()"))
        current = "pg_last_wal_replay_lsn()" if recovering else "pg_current_wal_lsn()"
        return Server(
            in_recovery=recovering,
            system_identifier=str(one(connection, "SELECT system_identifier FROM pg_control_system()")),
            timeline=int(one(connection, _FOLLOWED if recovering else _WRITTEN)),
            lsn=str(one(connection, f"SELECT {current}") or "0/0"),
            replayed_at=one(connection, "SELECT pg_last_xact_replay_timestamp()") if recovering else None,
            checkpoint_at=one(connection, "SELECT checkpoint_time FROM pg_control_checkpoint()"),
            wal_bytes=_allowed(connection, "SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()"),
            slot_bytes=None if recovering else _allowed(connection, _SLOTS),
            streaming=_streaming(connection, recovering),
            kept_bytes=_allowed(connection, _KEPT, (KEPT_LOG,)),
            admits=_admits(connection, database_name(dsn)),
        )


# A new primary's control file names the old timeline until its first checkpoint; its write-ahead log does not.
_WRITTEN = "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
_FOLLOWED = "SELECT timeline_id FROM pg_control_checkpoint()"
_SLOTS = "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint FROM pg_replication_slots"


_KEPT = """
    SELECT greatest(0, coalesce(pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)
    )::bigint FROM pg_replication_slots WHERE slot_name = %s
"""


def lag_bytes(primary: Server, standby: Server) -> int:
    """Bytes of write-ahead log that the standby has not replayed."""
    return max(0, _number(primary.lsn) - _number(standby.lsn))


def fence(dsn: str) -> str:
    """Refuse new sessions in the database, end those that are there, and return the LSN after which nothing follows.

    Superusers are refused too. The refusal is in the server's catalog: it outlives a restart, and reaches a standby
    that still follows, which `admit` then opens.

    Raises:
        NotFenced: a session can still be made. DatabaseUnreachable.
    """
    name = database_name(dsn)
    with session(maintenance_dsn(dsn), name="bonanca fence", timeout_s=TIMEOUT_S) as connection:
        execute(connection, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", name)
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend'",
            (name,),
        )
        if not fenced(dsn):
            raise NotFenced(_("The database %(name)s of the old primary still takes sessions.") % {"name": name})
        return str(one(connection, "SELECT pg_current_wal_insert_lsn()"))


def fenced(dsn: str) -> bool:
    """Whether the server answers and the database of `dsn` takes no session. Raises DatabaseUnreachable."""
    with session(maintenance_dsn(dsn), read_only=True, timeout_s=TIMEOUT_S) as connection:
        if _admits(connection, database_name(dsn)):
            return False
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        return not one(connection, query, (database_name(dsn),))


def keep_log(dsn: str) -> None:
    """Keep the old primary's write-ahead log from its last checkpoint on, which a rewind reads back to.

    Its shutdown would throw it away. `let_log_go` ends it.

    Raises:
        DatabaseUnreachable.
    """
    with session(maintenance_dsn(dsn), name="bonanca fence", timeout_s=TIMEOUT_S) as connection:
        connection.execute(
            "SELECT pg_create_physical_replication_slot(%s, true)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %s)",
            (KEPT_LOG, KEPT_LOG),
        )


def checkpoint(dsn: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Have the server write a checkpoint now: a rewind goes back to the last one that the two servers share.

    After a promotion the first takes minutes by itself. What this login may not do, or takes longer, is left: without
    it the server is copied. Raises DatabaseUnreachable.
    """
    with (
        session(maintenance_dsn(dsn), name="bonanca fence", timeout_s=timeout_s) as connection,
        suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.QueryCanceled),
    ):
        connection.execute("CHECKPOINT")


def let_log_go(dsn: str) -> None:
    """End what `keep_log` began, if it did. Raises DatabaseUnreachable."""
    with session(maintenance_dsn(dsn), name="bonanca fence", timeout_s=TIMEOUT_S) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", (KEPT_LOG,)
        )


def has_log_since(dsn: str, lsn: str) -> bool:
    """Whether the primary still has its write-ahead log from this position on. Raises DatabaseUnreachable."""
    query = (
        "SELECT min(substr(name, 9)) <= substr(pg_walfile_name(%s::pg_lsn), 9) FROM pg_ls_waldir()"
        " WHERE name ~ '^[0-9A-F]{24}$'"
    )
    with session(maintenance_dsn(dsn), read_only=True, timeout_s=TIMEOUT_S) as connection:
        return bool(one(connection, query, (lsn,)))


def admit(dsn: str) -> None:
    """Let sessions into the database again. Raises DatabaseUnreachable."""
    with session(maintenance_dsn(dsn), name="bonanca fence", timeout_s=TIMEOUT_S) as connection:
        execute(connection, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", database_name(dsn))


def replayed(dsn: str, lsn: str) -> bool:
    """Whether the standby has everything up to this LSN. Raises DatabaseUnreachable."""
    with session(maintenance_dsn(dsn), read_only=True, timeout_s=TIMEOUT_S) as connection:
        return bool(one(connection, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (lsn,)))


def promote(dsn: str, *, wait_s: int = 60) -> None:
    """Make the standby a primary; one that is a primary already is left alone.

    Raises:
        NotPromoted. DatabaseUnreachable.
    """
    with session(maintenance_dsn(dsn), name="bonanca promote", timeout_s=wait_s + TIMEOUT_S) as connection:
        if not one(connection, "SELECT pg_is_in_recovery()"):
            return
        if not one(connection, "SELECT pg_promote(true, %s)", (wait_s,)):
            raise NotPromoted(
                _("The standby was told to become the primary and did not within %(s)d seconds.") % {"s": wait_s}
            )


def data_folder(dsn: str) -> str:
    """Where the server keeps its data, as it calls it. Raises DatabaseUnreachable."""
    with session(maintenance_dsn(dsn), read_only=True, timeout_s=TIMEOUT_S) as connection:
        return str(one(connection, "SELECT setting FROM pg_settings WHERE name = 'data_directory'") or "")


def other_databases(dsn: str) -> tuple[str, ...]:
    """Databases of the server beside that of `dsn` (with its own pins and kept ones) and those that every server has.

    Raises:
        DatabaseUnreachable.
    """
    with session(maintenance_dsn(dsn), read_only=True, timeout_s=TIMEOUT_S) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', %s)"
            " AND NOT starts_with(datname, %s) ORDER BY 1",
            (database_name(dsn), f"{database_name(dsn)}_"),
        ).fetchall()
    return tuple(str(name) for (name,) in rows)


def takes_writes(dsn: str) -> bool:
    """Whether a session can be made in the database and may write. An unreachable server takes none."""
    try:
        with session(dsn, timeout_s=TIMEOUT_S) as connection:
            return bool(one(connection, "SHOW transaction_read_only") == "off")
    except DatabaseUnreachable:
        return False


def _admits(connection: Connection, name: str) -> bool | None:
    found: bool | None = one(connection, "SELECT datallowconn FROM pg_database WHERE datname = %s", (name,))
    return found


def _streaming(connection: Connection, recovering: bool) -> bool | None:
    if recovering:
        return bool(_allowed(connection, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    found = _allowed(connection, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
    return None if found is None else bool(found)


def _allowed(connection: Connection, query: str, parameters: tuple[Any, ...] = ()) -> Any:
    try:
        return one(connection, query, parameters)
    except psycopg.errors.InsufficientPrivilege:
        return None


def _number(lsn: str) -> int:
    high, _slash, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
