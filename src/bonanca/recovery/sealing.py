"""One database into one sealed file: dump, count and encrypt from the same snapshot, in one pass."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.dump import Snapshot, dump_database, exported_snapshot
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import maintenance_dsn, one, system_identifier
from bonanca.kernel.errors import Unavailable
from bonanca.recovery.bundle import BundleWriter, Parts
from bonanca.recovery.bundle.members import FORMAT
from bonanca.recovery.envelope import EnvelopeWriter, Sealed
from bonanca.recovery.parallel_dump import Parallel, add_dump

# The dump in custom format, in pieces, where files lie before it.
DUMP = "database.dump"


class DiskFull(Unavailable):
    """There is no room for the backup on this machine."""


@dataclass(frozen=True)
class SealedDatabase:
    """What was sealed: the moment of its snapshot (the server's clock) and its facts at that moment."""

    snapshot_at: datetime
    server_version: int
    lsn: str | None
    database_bytes: int
    row_counts: Mapping[str, int]
    sealed: Sealed
    facts: Mapping[str, Any] = field(default_factory=dict)
    parent_id: UUID | None = None


def seal_database(
    dsn: str,
    target: Path,
    *,
    recipients: tuple[str, ...],
    label: Mapping[str, str],
    on_bytes: Callable[[int], None],
    files: Callable[[BundleWriter], Mapping[str, Any]] | None = None,
    how: Callable[[int], Parallel | None] = lambda database_bytes: None,
) -> SealedDatabase:
    """Dump a database into an envelope at `target`. In one stream nothing of it touches the disk in the clear.

    Rows are counted beside the dump in the same snapshot, so that a restore can be compared with them exactly.

    Args:
        files: writes folders and files before the dump, and returns what the backup's facts say of them.
        how: told the database's bytes; several workers at a time, or one stream.

    Raises:
        InvalidRecipient, ServerTooNew, DatabaseUnreachable, DumpFailed, DiskFull; what `how` raises.
    """
    with exported_snapshot(dsn) as snapshot, disk_full_named(target), target.open("xb") as out:
        target.chmod(0o600)
        database_bytes = int(one(snapshot.connection, "SELECT pg_database_size(current_database())"))
        parallel = how(database_bytes)
        bundled = files is not None or parallel is not None
        says = dict(label) | {
            "snapshot_at": snapshot.at.isoformat(),
            "postgresql": str(snapshot.server_version),
            "format": FORMAT if bundled else "pg_dump custom",
        }
        writer = EnvelopeWriter(out, recipients=recipients, label=says)
        bundle = BundleWriter(writer.write) if bundled else None
        facts = dict(files(bundle)) if files is not None and bundle is not None else {}
        with _counting(snapshot) as counts:
            facts |= _dump(dsn, snapshot.name, writer, bundle, parallel, on_bytes)
        if bundle is not None:
            bundle.finish()
        sealed = writer.finish()
    found = counts.result()
    facts |= {"xid": snapshot.xid, "system_identifier": system_identifier(maintenance_dsn(dsn))}
    return SealedDatabase(snapshot.at, snapshot.server_version, snapshot.lsn, database_bytes, found, sealed, facts)


def _dump(
    dsn: str,
    snapshot: str,
    writer: EnvelopeWriter,
    bundle: BundleWriter | None,
    parallel: Parallel | None,
    on_bytes: Callable[[int], None],
) -> Mapping[str, Any]:
    """The database itself; returns what the backup's facts say of how it was dumped."""
    if bundle is None:
        dump_database(dsn, snapshot=snapshot, write=writer.write, progress=on_bytes)
        return {}
    if parallel is not None:
        return add_dump(bundle, dsn, parallel, snapshot=snapshot, on_bytes=on_bytes)
    parts = Parts(bundle, DUMP)
    dump_database(dsn, snapshot=snapshot, write=parts.write, progress=on_bytes)
    parts.finish()
    return {"dump": DUMP}


@contextmanager
def _counting(snapshot: Snapshot) -> Iterator[Future[dict[str, int]]]:
    """Count the rows beside what the block does; they are there at its end."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="row-counts") as pool:
        counting = pool.submit(count_rows, snapshot.connection)
        try:
            yield counting
        except BaseException:
            snapshot.connection.cancel()  # do not count on for a dump that is lost
            raise
        counting.result()


@contextmanager
def disk_full_named(path: Path) -> Iterator[None]:
    """Say which disk is full, instead of only that one is."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(
            _("The disk that holds %(folder)s is full.") % {"folder": path.parent},
            hint=_("Free space there, or put BONANCA_HOME on a larger disk."),
        ) from error
