"""Databases that were replaced and kept: closed to everybody but superusers, until they are opened or put back.

They hold people's data that the service no longer guards. `CONNECTION LIMIT 0` refuses every ordinary role, the owner
too, and needs no more rights than owning the database. What a database had before is recorded in its server, in the
transaction that closes it, so that whoever puts it back gives it that again.
"""

from __future__ import annotations

from psycopg import sql
from psycopg.types.json import Jsonb

from bonanca.actuators.postgres.fencing import make_tables, recorded
from bonanca.actuators.postgres.properties import Properties, give_properties, properties_of
from bonanca.actuators.postgres.sessions import Connection, execute, maintenance_dsn, session

_KIND = "kept.closed"


def close_database(dsn: str, name: str) -> None:
    """Let nobody in but superusers, and those only to read; closing it again changes nothing.

    Raises:
        DatabaseMissing: it is gone. DatabaseUnreachable: the server does not answer.
    """
    with session(maintenance_dsn(dsn)) as connection:
        make_tables(connection)
        with connection.transaction():
            before = properties_of(connection, name)
            connection.execute(
                "INSERT INTO bonanca_effect (key, kind, database, facts) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (_key(name), _KIND, name, Jsonb(before.to_json())),
            )
            execute(connection, "ALTER DATABASE {} CONNECTION LIMIT 0", name)
            execute(connection, "ALTER DATABASE {} SET default_transaction_read_only = on", name)
        # Whoever is inside would stay: the limit is asked at the door only.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            " AND usename <> current_user",
            (name,),
        )


def open_database(dsn: str, name: str) -> None:
    """Let those in who could before it was closed; it still can only be read."""
    with session(maintenance_dsn(dsn)) as connection, connection.transaction():
        before = recorded(connection, _key(name))
        limit = Properties(**before).connection_limit if before is not None else -1
        statement = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(limit)))


def give_back(connection: Connection, *, name: str, now_named: str) -> None:
    """In the caller's transaction: a closed database that takes its place again is as it was before it was closed."""
    before = recorded(connection, _key(name))
    if before is not None:
        give_properties(connection, now_named, Properties(**before))
        connection.execute("DELETE FROM bonanca_effect WHERE key = %s", (_key(name),))


def _key(name: str) -> str:
    return f"closed:{name}"
