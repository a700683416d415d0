"""What a server says before anything on it is touched: who asks, what he may, what would stand in the way."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bonanca.actuators.postgres.sessions import Connection, database_name, maintenance_dsn, one, server_version, session

_ROLE = """
    SELECT rolsuper, rolcreatedb OR rolsuper,
           rolsuper OR pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
    FROM pg_roles WHERE rolname = current_user
"""
_OWNED = "SELECT rolsuper OR pg_has_role(current_user, d.datdba, 'USAGE') FROM pg_database d, pg_roles r"


@dataclass(frozen=True)
class Survey:
    """Facts of one server and one database on it. Sizes in bytes; None: this login cannot see it."""

    version: int
    databases: frozenset[str]
    sessions: int
    prepared: tuple[str, ...]
    slots: tuple[str, ...]
    superuser: bool
    may_create: bool
    may_end_sessions: bool
    may_rename: bool
    in_recovery: bool
    free_bytes: int | None
    database_bytes: int | None


def survey(dsn: str) -> Survey:
    """Look at the server and the database that `dsn` names; nothing is changed.

    Raises:
        DatabaseUnreachable: the server does not answer, or refuses this login.
    """
    name = database_name(dsn)
    with session(maintenance_dsn(dsn), read_only=True, timeout_s=20) as connection:
        superuser, may_create, may_end = connection.execute(_ROLE).fetchone()  # type: ignore[misc] # we are a role
        owned = one(connection, f"{_OWNED} WHERE r.rolname = current_user AND d.datname = %s", (name,))
        return Survey(
            version=server_version(connection),
            databases=frozenset(row[0] for row in connection.execute("SELECT datname FROM pg_database")),
            sessions=int(
                one(
                    connection,
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
                    (name,),
                )
            ),
            prepared=_names(connection, "SELECT gid FROM pg_prepared_xacts WHERE database = %s ORDER BY 1", name),
            slots=_names(
                connection, "SELECT slot_name::text FROM pg_replication_slots WHERE database = %s ORDER BY 1", name
            ),
            superuser=bool(superuser),
            may_create=bool(may_create),
            may_end_sessions=bool(may_end),
            # A database that is gone can be renamed by nobody, and its name is free.
            may_rename=owned is not False,
            in_recovery=bool(one(connection, "SELECT pg_is_in_recovery()")),
            free_bytes=_free(connection),
            database_bytes=_size(connection, name),
        )


def _names(connection: Connection, query: str, name: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in connection.execute(query.encode(), (name,)).fetchall())


def _free(connection: Connection) -> int | None:
    """Free bytes where the server keeps its data, when that is a folder of this machine that this user may see."""
    try:
        folder = Path(str(one(connection, "SELECT current_setting('data_directory')")))
        local = one(connection, "SELECT inet_server_addr() IS NULL OR inet_server_addr() << inet '127.0.0.0/8'")
    except psycopg.errors.InsufficientPrivilege:
        return None
    if not local or not os.access(folder, os.R_OK):
        return None
    return shutil.disk_usage(folder).free


def _size(connection: Connection, name: str) -> int | None:
    try:
        found = one(connection, "SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s", (name,))
    except psycopg.errors.InsufficientPrivilege:
        return None
    return None if found is None else int(found)
