"""One database into one sealed file: dump, count and encrypt from the same snapshot, in one pass."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.dump import dump_database, exported_snapshot
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import maintenance_dsn, one, system_identifier
from bonanca.kernel.errors import Unavailable
from bonanca.recovery.envelope import EnvelopeWriter, Sealed


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
) -> SealedDatabase:
    """Dump a database into an envelope at `target`. Nothing of it touches the disk in the clear.

    Rows are counted beside the dump in the same snapshot, so that a restore can be compared with them exactly.

    Raises:
        InvalidRecipient, ServerTooNew, DatabaseUnreachable, DumpFailed, DiskFull.
    """
    with exported_snapshot(dsn) as snapshot, disk_full_named(target), target.open("xb") as out:
        target.chmod(0o600)
        facts = dict(label) | {
            "snapshot_at": snapshot.at.isoformat(),
            "postgresql": str(snapshot.server_version),
            "format": "pg_dump custom",
        }
        writer = EnvelopeWriter(out, recipients=recipients, label=facts)
        database_bytes = int(one(snapshot.connection, "SELECT pg_database_size(current_database())"))
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="row-counts") as pool:
            counting = pool.submit(count_rows, snapshot.connection)
            try:
                dump_database(dsn, snapshot=snapshot.name, write=writer.write, progress=on_bytes)
            except BaseException:
                snapshot.connection.cancel()  # do not count on for a dump that is lost
                raise
            counts = counting.result()
        sealed = writer.finish()
    known = {"xid": snapshot.xid, "system_identifier": system_identifier(maintenance_dsn(dsn))}
    return SealedDatabase(snapshot.at, snapshot.server_version, snapshot.lsn, database_bytes, counts, sealed, known)


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
