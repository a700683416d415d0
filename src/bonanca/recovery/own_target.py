"""Where Bonança's database is brought back to, when there may be nothing left but a file and a key."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.kernel.errors import NotFound
from bonanca.kernel.home import bonanca_home
from bonanca.recovery import own
from bonanca.recovery.identities import read_identity_file
from bonanca.recovery.own_restore import Restored, Say, into_database

# What settings are given so that they can be read at all where nothing is configured (cli/backup.py).
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@dataclass(frozen=True)
class BroughtBack:
    """Where it lives now, and what came back."""

    place: str
    restored: Restored


def restore_own(file: Path, identity_file: Path, *, address_file: Path | None, progress: Say) -> BroughtBack:
    """Restore into the database of the address file, else of DATABASE_URL, else the embedded server of BONANCA_HOME.

    Raises:
        NotFound, IdentityUnreadable, TargetNotEmpty, ClusterBusy: nothing was touched.
        EnvelopeDamaged, WrongIdentity, DiskFull, DumpFailed, DatabaseUnreachable.
    """
    if not file.is_file():
        raise NotFound(f"{file}: there is no such file.")
    identities = read_identity_file(identity_file)
    folder = own.working_folder()
    try:
        with _target(address_file) as (dsn, place):
            return BroughtBack(place, into_database(file, dsn, folder, identities, progress))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _target(address_file: Path | None) -> Iterator[tuple[str, str]]:
    if address_file is not None:
        yield address_file.read_text(encoding="utf-8").strip(), str(address_file)
        return
    url = os.environ.get("DATABASE_URL")
    if url and url != NOWHERE:
        yield url, "DATABASE_URL"
        return
    cluster = Cluster(bonanca_home() / "postgres")
    try:
        cluster.init()
        cluster.start()
        cluster.wait_ready()
        yield cluster.dsn("bonanca"), str(cluster.home)
    finally:
        cluster.stop()
