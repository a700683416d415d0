"""Bring a backup of Bonança's own database back: into a scratch server for proof, or where Bonança will live again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.dump import create_empty, restore_database
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import at_database, database_name, execute, maintenance_dsn, session
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import Conflict
from bonanca.recovery.envelope import open_envelope
from bonanca.recovery.sealing import disk_full_named

Say = Callable[[float | None, str], None]


class TargetNotEmpty(Conflict):
    """The database that Bonança would be restored into holds something."""


@dataclass(frozen=True)
class Restored:
    """What came back: seconds, rows by table, and what the envelope says of itself."""

    seconds: float
    row_counts: Mapping[str, int]
    label: Mapping[str, str]


def into_scratch(sealed: Path, folder: Path, identities: Sequence[str], say: Say) -> Restored:
    """Restore into a server that exists only for this, below `folder`, which the caller removes.

    Raises:
        EnvelopeDamaged, WrongIdentity, DiskFull, DumpFailed, ClusterFailed.
    """
    scratch = Cluster(folder / "server")
    try:
        say(0.2, _("starting a scratch server"))
        scratch.init(durable=False)
        scratch.start(durable=False)
        scratch.wait_ready()
        return into_database(sealed, scratch.dsn("bonanca"), folder, identities, say)
    finally:
        scratch.stop()


def into_database(sealed: Path, dsn: str, folder: Path, identities: Sequence[str], say: Say) -> Restored:
    """Restore into the database of `dsn`, created when it is not there; one that holds tables is refused.

    Raises:
        TargetNotEmpty: nothing was touched. EnvelopeDamaged, WrongIdentity, DiskFull, DumpFailed, DatabaseUnreachable.
    """
    began = monotonic()
    refuse_full(dsn)
    dump = folder / "dump"
    try:
        say(0.4, _("opening"))
        with disk_full_named(dump), sealed.open("rb") as source, dump.open("xb") as out:
            dump.chmod(0o600)
            label = open_envelope(source, out, identities=identities).label
        say(0.6, _("restoring"))
        if _exists(dsn):
            restore_database(dsn, dump)
        else:
            _restore_aside(dsn, dump)
    finally:
        dump.unlink(missing_ok=True)
    say(0.9, _("checking"))
    with session(dsn, read_only=True) as connection:
        return Restored(round(monotonic() - began, 3), count_rows(connection), dict(label))


def _restore_aside(dsn: str, dump: Path) -> None:
    """Into a database of another name, which gets its own when it is whole: one that was killed is begun anew."""
    name = database_name(dsn)
    aside = f"{name[:50]}_restoring"
    with session(maintenance_dsn(dsn)) as connection:
        execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", aside)
    create_empty(at_database(dsn, aside))
    restore_database(at_database(dsn, aside), dump)
    point("recovery.own_restore.loaded")
    with session(maintenance_dsn(dsn)) as connection:
        execute(connection, "ALTER DATABASE {} RENAME TO {}", aside, name)


def refuse_full(dsn: str) -> None:
    """Raises TargetNotEmpty: the database is there and has tables."""
    if not _exists(dsn):
        return
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
            " AND n.nspname NOT LIKE 'pg_toast%'"
        ).fetchone()
    if found is not None and found[0]:
        raise TargetNotEmpty(
            _("The database %(name)s is there already and holds %(count)d tables.")
            % {"name": database_name(dsn), "count": found[0]},
            hint=_("Restore into another database, or rename that one first: nothing is overwritten."),
        )


def _exists(dsn: str) -> bool:
    with psycopg.connect(maintenance_dsn(dsn), connect_timeout=10) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database_name(dsn),)).fetchone()
        return found is not None
