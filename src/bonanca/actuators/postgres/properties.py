"""What belongs to a database but is not inside it: CREATE DATABASE … TEMPLATE copies none of this.

Without it a restored database would be open to roles that were locked out and would forget its settings.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg import sql

from bonanca.actuators.postgres.sessions import Connection
from bonanca.kernel.errors import NotFound

_DATABASE = """
    SELECT d.oid, r.rolname, d.datconnlimit, d.datacl IS NOT NULL
    FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = %s
"""
_GRANTS = """
    SELECT coalesce(r.rolname, ''), a.privilege_type, a.is_grantable
    FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.oid = %s ORDER BY 1, 2
"""
_SETTINGS = """
    SELECT coalesce(r.rolname, ''), split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
    WHERE s.setdatabase = %s ORDER BY 1, 2
"""
# PostgreSQL keeps these as lists: quoted as one word they would name one schema with a comma in it.
_LISTS = frozenset({"search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces"})


@dataclass(frozen=True)
class Properties:
    """Owner, connection limit (-1: none), grants (role or "" for PUBLIC, privilege, with grant option) and settings.

    `grants` is None when nobody ever changed them, which is not the same as an empty list.
    """

    owner: str
    connection_limit: int = -1
    grants: list[list[Any]] | None = None
    settings: list[list[str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class DatabaseMissing(NotFound):
    """There is no database of that name on the server."""


def properties_of(connection: Connection, name: str) -> Properties:
    """Read the properties of a database.

    Raises:
        DatabaseMissing: it does not exist.
    """
    row = connection.execute(_DATABASE, (name,)).fetchone()
    if row is None:
        raise DatabaseMissing(f"There is no database {name} on the server.")
    oid, owner, limit, has_grants = row
    grants = [list(grant) for grant in connection.execute(_GRANTS, (oid,))] if has_grants else None
    return Properties(owner, limit, grants, [list(setting) for setting in connection.execute(_SETTINGS, (oid,))])


def give_properties(connection: Connection, name: str, wanted: Properties) -> None:
    """Make `name` have these properties; repeating it changes nothing. One transaction.

    Roles that no longer exist cannot be given anything and are left out: the server has forgotten them too.
    """
    roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")} | {""}
    database = sql.Identifier(name)
    with connection.transaction():
        if properties_of(connection, name).owner != wanted.owner and wanted.owner in roles:
            _run(connection, "ALTER DATABASE {} OWNER TO {}", database, sql.Identifier(wanted.owner))
        _run(connection, "ALTER DATABASE {} CONNECTION LIMIT {}", database, sql.Literal(wanted.connection_limit))
        if wanted.grants is not None:
            _run(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
            for role, privilege, grantable in wanted.grants:
                if role in roles:
                    _grant(connection, database, role, privilege, grantable)
        _run(connection, "ALTER DATABASE {} RESET ALL", database)
        for role, parameter, value in wanted.settings:
            if role in roles:
                _set(connection, database, role, parameter, value)


def _grant(connection: Connection, database: sql.Identifier, role: str, privilege: str, grantable: bool) -> None:
    to = sql.Identifier(role) if role else sql.SQL("PUBLIC")
    option = sql.SQL(" WITH GRANT OPTION" if grantable else "")
    # aclexplode names privileges by the words that GRANT takes (CONNECT, CREATE, TEMPORARY).
    _run(connection, "GRANT {} ON DATABASE {} TO {}{}", sql.SQL(privilege), database, to, option)


def _set(connection: Connection, database: sql.Identifier, role: str, parameter: str, value: str) -> None:
    words = [sql.Literal(word.strip().strip('"')) for word in value.split(",")] if parameter in _LISTS else None
    shown = sql.SQL(", ").join(words) if words else sql.Literal(value)
    # Settings may be of an extension ("pg_trgm.similarity"): two identifiers with a dot.
    named = sql.Identifier(*parameter.split("."))
    if role:
        _run(connection, "ALTER ROLE {} IN DATABASE {} SET {} TO {}", sql.Identifier(role), database, named, shown)
    else:
        _run(connection, "ALTER DATABASE {} SET {} TO {}", database, named, shown)


def _run(connection: Connection, text: str, *parts: sql.Composable) -> None:
    connection.execute(sql.SQL(text).format(*parts))
