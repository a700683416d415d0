"""A PostgreSQL database as one stream: pg_dump and pg_restore of the wheel, with passwords only in the environment."""

from __future__ import annotations

import fcntl
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO

import psycopg
from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bonanca.actuators.postgres.binaries import pg_bin, pg_environment
from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.sessions import (
    Connection,
    database_name,
    execute,
    maintenance_dsn,
    one,
    server_version,
    session,
)
from bonanca.kernel.errors import BonancaError, Invalid, Unavailable

READ_BYTES = 1024 * 1024
_TAIL_BYTES = 4000


class ServerTooNew(Invalid):
    """The server is newer than the pg_dump of this installation, which then refuses to read it."""


class DumpFailed(Unavailable):
    """pg_dump or pg_restore ended with an error; the message carries the end of what it said."""


@dataclass(frozen=True)
class Snapshot:
    """One consistent view of a database that several sessions share. `at` is the server's clock, `lsn` may be None."""

    name: str
    at: datetime
    server_version: int
    lsn: str | None
    # Rows of transactions that it does not see carry this id (xid8) or a newer one.
    xid: str
    connection: Connection


@cache
def dump_version() -> int:
    """Major version of the pg_dump of this installation."""
    said = subprocess.run([pg_bin("pg_dump"), "--version"], capture_output=True, text=True, check=True, timeout=20)
    return int(re.match(r"\D*(\d+)", said.stdout)[1])  # type: ignore[index] # a pg_dump that ran says its version


@contextmanager
def exported_snapshot(dsn: str) -> Iterator[Snapshot]:
    """Hold a read-only repeatable-read transaction open, whose snapshot pg_dump can use.

    Raises:
        ServerTooNew: our pg_dump could not read this server. DatabaseUnreachable: no connection.
    """
    with session(dsn, name="bonanca backup") as connection:
        version = server_version(connection)
        if version > dump_version():
            raise ServerTooNew(
                _("The server is PostgreSQL %(server)d and the pg_dump of this installation is %(ours)d.")
                % {"server": version, "ours": dump_version()},
                hint=_("Update Bonança: a pg_dump reads servers of its own version and older ones."),
            )
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            name = str(one(connection, "SELECT pg_export_snapshot()"))
            at = one(connection, "SELECT clock_timestamp()").astimezone(UTC)
            lsn = one(connection, "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()::text END")
            xid = str(one(connection, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
            yield Snapshot(name, at, version, lsn, xid, connection)


def dump_database(
    dsn: str, *, snapshot: str, write: Callable[[bytes], object], progress: Callable[[int], None] | None = None
) -> None:
    """Write the database, as `snapshot` sees it, to `write` in pg_dump's custom format.

    Args:
        progress: called with the bytes written so far; what it raises ends the dump.

    Raises:
        DumpFailed: pg_dump said why.
    """
    address, environment = without_password(dsn)
    command = [
        *(str(pg_bin("pg_dump")), "--format=custom", "--compress=gzip:1", "--no-password", "--lock-wait-timeout=30s"),
        *(f"--snapshot={snapshot}", f"--dbname={address}"),
    ]
    with tempfile.TemporaryFile() as said, running(command, environment, stdout=subprocess.PIPE, stderr=said) as child:
        assert child.stdout is not None
        widen(child.stdout)
        total = 0
        while data := child.stdout.read(READ_BYTES):
            write(data)
            total += len(data)
            if progress is not None:
                progress(total)
        if child.wait() != 0:
            raise failure("pg_dump", child.returncode, said)


def dump_folder(dsn: str, folder: Path, *, jobs: int = 2, snapshot: str | None = None) -> None:
    """Dump a database into pg_dump's directory format, several tables at a time.

    Args:
        snapshot: what to read; None for a database to which nobody writes.

    Raises:
        DumpFailed: pg_dump said why.
    """
    address, environment = without_password(dsn)
    command = [
        *(str(pg_bin("pg_dump")), "--format=directory", "--compress=0", "--no-password", f"--jobs={jobs}"),
        *(f"--file={folder}", f"--dbname={address}"),
        *((f"--snapshot={snapshot}", "--lock-wait-timeout=30s") if snapshot else ()),
    ]
    with tempfile.TemporaryFile() as said, running(command, environment, stdout=said, stderr=said) as child:
        if child.wait() != 0:
            raise failure("pg_dump", child.returncode, said)


def restore_database(dsn: str, dump: Path, *, jobs: int = 2, timeout_s: float | None = None) -> None:
    """Restore a dump into an empty database, without the owners and grants of roles that a scratch server lacks.

    Raises:
        DumpFailed: pg_restore said why, or it took longer than `timeout_s` seconds.
    """
    address, environment = without_password(dsn)
    command = [
        *(str(pg_bin("pg_restore")), "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"),
        *(f"--jobs={jobs}", f"--dbname={address}", str(dump)),
    ]
    with tempfile.TemporaryFile() as said, running(command, environment, stdout=said, stderr=said) as child:
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise DumpFailed(_("pg_restore did not end in %(seconds)g s.") % {"seconds": timeout_s}) from error
        if code != 0:
            raise failure("pg_restore", code, said)


def contents_of(dump: Path) -> list[str]:
    """The entries of a dump's table of contents, as `pg_restore --list` writes them.

    Raises:
        DumpFailed: it is not a readable dump.
    """
    done = subprocess.run([pg_bin("pg_restore"), "--list", dump], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise DumpFailed(_("This is not a dump that pg_restore reads: %(said)s") % {"said": done.stderr.strip()})
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


def archive_owners(dump: Path) -> set[str]:
    """The roles that own something in the dump. Raises DumpFailed: it is not a readable dump."""
    # "215; 1259 16385 TABLE public orders loja": the owner comes last, and entries without one end in a space.
    return {owner for line in contents_of(dump) if (owner := line.rpartition(" ")[2])}


@contextmanager
def running(
    command: list[str], environment: dict[str, str], *, stdout: int | IO[bytes], stderr: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that dies with this process, and with this block."""
    argv = dying_with_parent(command, "KILL")
    child = spawn(
        lambda: subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, cwd="/")
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        if child.stdout is not None:
            child.stdout.close()
        child.wait()


def widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold as much as is read at once: on a busy machine each hand-over waits for its turn."""
    # The system may grant less to a user who has many.
    with suppress(OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, READ_BYTES)


def named(dsn: str, name: str) -> str:
    """The DSN, with sessions under this application_name."""
    return make_conninfo(dsn, application_name=name)


def without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """The DSN as everybody may see it in the process list, and the environment that holds its password."""
    parts = conninfo_to_dict(dsn)
    password = parts.pop("password", None)
    environment = pg_environment() | ({"PGPASSWORD": str(password)} if password else {})
    return make_conninfo("", **parts), environment


def failure(program: str, code: int, said: IO[bytes]) -> BonancaError:
    said.seek(max(0, said.seek(0, 2) - _TAIL_BYTES))
    tail = said.read().decode(errors="replace").strip()
    return DumpFailed(
        _("%(program)s ended with code %(code)d: %(said)s") % {"program": program, "code": code, "said": tail}
    )


def create_empty(dsn: str) -> None:
    """Create the database that `dsn` names, from template0, on a scratch server."""
    with session(maintenance_dsn(dsn)) as connection:
        execute(connection, "CREATE DATABASE {} TEMPLATE template0", database_name(dsn))
