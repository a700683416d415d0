"""Sessions on somebody's PostgreSQL server: named, bounded in time, never in the way of the database in question.

Whatever concerns a whole database (copy, rename, drop) is said in the server's *maintenance database* `postgres`,
because a database that is being copied or renamed may have no sessions of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bonanca.kernel.errors import Invalid, Unavailable
from bonanca.kernel.keepalive import KEEPALIVE

Connection = psycopg.Connection[tuple[Any, ...]]

MAINTENANCE = "postgres"
CONNECT_TIMEOUT_S = 5
NAME_LIMIT = 63


class DatabaseUnreachable(Unavailable):
    """The server does not answer, or refuses this login. The message names host and database, never the password."""


def database_name(dsn: str) -> str:
    """The database that a DSN points at."""
    return str(conninfo_to_dict(dsn).get("dbname") or "")


def at_database(dsn: str, name: str) -> str:
    """The same server and login, another database."""
    return make_conninfo(dsn, dbname=name)


def maintenance_dsn(dsn: str) -> str:
    """The same server and login, in the maintenance database.

    Raises:
        Invalid: the service lives in the maintenance database itself, which can be neither copied nor swapped.
    """
    if database_name(dsn) == MAINTENANCE:
        raise Invalid(
            _("The service's database is 'postgres', from which all others are managed."),
            hint=_("Give the service a database of its own."),
            field="database.name",
        )
    return at_database(dsn, MAINTENANCE)


@contextmanager
def session(
    dsn: str, *, name: str = "bonanca", read_only: bool = False, timeout_s: float | None = None
) -> Iterator[Connection]:
    """An autocommit connection, closed at the end.

    Args:
        name: application_name, at most 63 bytes; fences find their sessions by it.
        read_only: every transaction of it is.
        timeout_s: statement_timeout.

    Raises:
        DatabaseUnreachable: no connection could be made.
    """
    options = [f"-c statement_timeout={int(timeout_s * 1000)}"] if timeout_s is not None else []
    if read_only:
        options.append("-c default_transaction_read_only=on")
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            application_name=name[:NAME_LIMIT],
            connect_timeout=CONNECT_TIMEOUT_S,
            **KEEPALIVE,
            options=" ".join(options) or None,
        )
    except psycopg.OperationalError as error:
        raise _unreachable(dsn, error) from error
    try:
        with connection:
            yield connection
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if connection.broken:
            raise _unreachable(dsn, error) from error
        raise


def execute(connection: Connection, text: str, *names: str) -> None:
    """Run a statement whose `{}` are identifiers."""
    connection.execute(sql.SQL(text).format(*(sql.Identifier(name) for name in names)))


def one(connection: Connection, query: str, parameters: tuple[Any, ...] = ()) -> Any:
    """The first column of the first row, or None without rows."""
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def system_identifier(dsn: str) -> str:
    """The number that initdb gave the server: equal for two DSNs exactly when they reach the same cluster's data."""
    with session(dsn) as connection:
        return str(one(connection, "SELECT system_identifier FROM pg_control_system()"))


def server_version(connection: Connection) -> int:
    """Major version of the server, such as 18."""
    return connection.info.server_version // 10_000


def derived_name(base: str, kind: str, mark: str) -> str:
    """`loja` + `pin` + an id → `loja_pin_0192ab34cd56`: at most 63 bytes, the same for the same arguments."""
    tail = f"_{kind}_{mark}"
    return base.encode()[: NAME_LIMIT - len(tail)].decode(errors="ignore") + tail


def said(error: psycopg.Error) -> str:
    """What a server refused, for everybody: without its details, which hold rows of people."""
    return (error.diag.message_primary or str(error)).strip() or type(error).__name__


def _unreachable(dsn: str, error: psycopg.Error) -> DatabaseUnreachable:
    parts = conninfo_to_dict(dsn)
    return DatabaseUnreachable(
        _("The PostgreSQL server %(host)s:%(port)s (database %(name)s) cannot be used: %(reason)s")
        % {
            "host": parts.get("host") or "local",
            "port": parts.get("port") or 5432,
            "name": parts.get("dbname"),
            "reason": str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__,
        }
    )
