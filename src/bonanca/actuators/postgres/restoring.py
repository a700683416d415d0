"""An archive of pg_dump as a new database on a service's own server: once per key, fenced there, never over anything.

The database is built under a name of its own. `place_database` then gives it the wanted name, which keeps whatever had
that name before; so until that moment nothing that existed was touched.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from psycopg import sql

from bonanca.actuators.postgres.binaries import pg_bin
from bonanca.actuators.postgres.databases import database_there, insisting, swap_databases
from bonanca.actuators.postgres.dump import (
    DumpFailed,
    archive_owners,
    contents_of,
    failure,
    named,
    running,
    without_password,
)
from bonanca.actuators.postgres.eviction import emptied, moment
from bonanca.actuators.postgres.fencing import Facts, Guard, guarded, session_name
from bonanca.actuators.postgres.properties import Properties, give_properties
from bonanca.actuators.postgres.sessions import Connection, at_database, execute, maintenance_dsn, one, server_version
from bonanca.durable.context import FenceToken
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import Conflict

_LOOK_EVERY_S = 0.25
# A pg_restore of version 17 and later says `SET transaction_timeout` to servers that do not know it yet.
_KNOWN_SINCE_17 = b'"transaction_timeout"'
_LOCALE = """
    SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, {locale}
    FROM pg_database WHERE datname = %s
"""


def restore_as_new(
    dsn: str,
    *,
    archive: Path,
    target: str,
    like: str,
    token: FenceToken,
    key: str,
    properties: Properties | None = None,
    jobs: int = 2,
    watch: Callable[[int], None] = lambda size: None,
    extra: Mapping[str, Any] | None = None,
) -> Facts:
    """Create `target` from an archive (custom or directory format), once under `key`.

    Encoding and locale are those of the database `like` where it exists. Owners and grants come back where the login
    is a superuser and the roles exist; else everything belongs to the login, and `owners` says so.

    Args:
        jobs: connections that load tables and build indexes at a time.
        watch: called now and then with the bytes that `target` has on disk; what it raises ends the restore.
        extra: JSON facts that are recorded with the effect.

    Returns:
        JSON facts: target, seconds, bytes, owners ("kept" or "login"), notes (grants that could not be given).

    Raises:
        Conflict: `target` exists and is not what an earlier attempt under `key` began.
        DumpFailed, NotEnoughRights, Unavailable (disk full, server lost): nothing but `target` was touched.
    """
    with guarded(dsn, token, database=target) as guard:
        done = guard.effect(key)
        if done is not None:
            return done
        connection, began = guard.connection, time.monotonic()
        _make_way(guard, target, key)
        insisting(target, lambda: _create(connection, target, like))
        point("postgres.restore.created")
        keep = _roles_are_there(connection, archive)

        def size() -> int:
            return int(one(connection, "SELECT pg_database_size(%s)", (target,)) or 0)

        name, address = session_name(token), at_database(dsn, target)
        notes = _load(address, archive, name, keep=keep, jobs=jobs, look=lambda: watch(size()), connection=connection)
        if properties is not None:
            give_properties(connection, target, properties)
        point("postgres.restore.loaded")
        facts: Facts = {
            "target": target,
            "seconds": round(time.monotonic() - began, 3),
            "bytes": size(),
            "owners": "kept" if keep else "login",
            "notes": notes,
            **(extra or {}),
        }
        return guard.record(key, "restore", target, facts)


def place_database(dsn: str, *, incoming: str, target: str, keep_as: str, token: FenceToken, key: str) -> Facts:
    """Give `incoming` the name `target`, once under `key`; a database that has it is kept as `keep_as`.

    Returns:
        JSON facts: as `swap_databases`; `kept` is None when no database had the name.

    Raises:
        As `swap_databases`.
    """
    with guarded(dsn, token, database=target) as guard:
        done = guard.effect(key)
        if done is not None:
            return done
        if not database_there(guard.connection, target):

            def attempt() -> Facts:
                with guard.connection.transaction():
                    guard.still_newest()
                    execute(guard.connection, "ALTER DATABASE {} RENAME TO {}", incoming, target)
                    facts = {"live": target, "kept": None, "incoming": incoming, "held_s": 0.0, "ended": 0}
                    return guard.record(key, "place", target, facts | asdict(moment(guard.connection)))

            return insisting(incoming, attempt)
    return swap_databases(dsn, live=target, incoming=incoming, keep_as=keep_as, token=token, key=key)


def retire_database(dsn: str, *, name: str, keep_as: str, token: FenceToken, key: str) -> Facts:
    """Take a database's name from it, once under `key`: it is kept as `keep_as`, and nothing takes its place.

    Returns:
        JSON facts: live (the name), kept (None: there was no such database), at, xid, lsn.
    """
    with guarded(dsn, token, database=name) as guard:
        done = guard.effect(key)
        if done is not None:
            return done
        there = database_there(guard.connection, name)

        def attempt() -> Facts:
            with emptied(maintenance_dsn(dsn), name, name=session_name(token)), guard.connection.transaction():
                guard.still_newest()
                if there:
                    execute(guard.connection, "ALTER DATABASE {} RENAME TO {}", name, keep_as)
                facts = {"live": name, "kept": keep_as if there else None, **asdict(moment(guard.connection))}
                return guard.record(key, "retire", name, facts)

        return insisting(name, attempt)


def _make_way(guard: Guard, target: str, key: str) -> None:
    """Drop what an earlier attempt under the key left, and nothing else; then say that one begins."""
    connection = guard.connection
    if database_there(connection, target):
        if guard.effect(f"{key}:intent") is None:
            raise Conflict(_("There is a database %(name)s already, and it is not ours.") % {"name": target})
        insisting(target, lambda: execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", target))
    guard.record(f"{key}:intent", "restore.intent", target, asdict(moment(connection)))


def _create(connection: Connection, target: str, like: str) -> None:
    version = server_version(connection)
    query = _LOCALE.format(locale="datlocale" if version >= 17 else "daticulocale")
    row = connection.execute(query.encode(), (like,)).fetchone()
    if row is None:
        execute(connection, "CREATE DATABASE {} TEMPLATE template0", target)
        return
    encoding, collate, ctype, provider, locale = row
    parts = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}").format(sql.Identifier(target), encoding),
        sql.SQL("LC_COLLATE {} LC_CTYPE {}").format(collate, ctype),
    ]
    if provider == "i":
        parts.append(sql.SQL("LOCALE_PROVIDER icu ICU_LOCALE {}").format(locale))
    elif provider == "b":
        parts.append(sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE {}").format(locale))
    connection.execute(sql.SQL(" ").join(parts))


def _roles_are_there(connection: Connection, archive: Path) -> bool:
    """Whether the login may give everything to the roles that owned it."""
    if not one(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        return False
    known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    return archive_owners(archive) <= known


def _load(
    dsn: str,
    archive: Path,
    name: str,
    *,
    keep: bool,
    jobs: int,
    look: Callable[[], None],
    connection: Connection,
) -> list[str]:
    """Run pg_restore; grants go in a second pass, in which roles that are gone only leave a note."""
    # Named as the plan's sessions are: a newer epoch ends them, so a zombie's pg_restore cannot go on.
    address, environment = without_password(named(dsn, name))
    strict = server_version(connection) >= 17
    base = [str(pg_bin("pg_restore")), "--no-password", f"--dbname={address}"]
    owners = [] if keep else ["--no-owner"]
    careful = ["--exit-on-error"] if strict else []
    first = [*base, *owners, *careful, "--no-privileges", f"--jobs={jobs}", str(archive)]
    problems = _run("pg_restore", first, environment, look, strict=strict)
    if problems:
        raise DumpFailed(_("pg_restore could not restore everything: %(said)s") % {"said": "; ".join(problems[:5])})
    if not keep:
        return []
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(grants_of(archive)))
        chosen.flush()
        second = [*base, f"--use-list={chosen.name}", str(archive)]
        return _run("pg_restore", second, environment, lambda: None, strict=False)


def grants_of(archive: Path) -> list[str]:
    """The entries of the archive's table of contents that give rights."""
    return [line for line in contents_of(archive) if " ACL " in line or " DEFAULT ACL " in line]


def _run(
    program: str, command: list[str], environment: dict[str, str], look: Callable[[], None], *, strict: bool
) -> list[str]:
    """Run to the end; returns what pg_restore complained about and went on (never, when it is strict)."""
    with tempfile.TemporaryFile() as said, running(command, environment, stdout=said, stderr=said) as child:
        while child.poll() is None:
            time.sleep(_LOOK_EVERY_S)
            look()
        if child.returncode == 0:
            return []
        if strict or child.returncode != 1:
            raise failure(program, child.returncode, said)
        said.seek(0)
        errors = [line for line in said.read().splitlines() if b": error: " in line and _KNOWN_SINCE_17 not in line]
        return [line.decode(errors="replace").partition("error: ")[2] for line in errors]
