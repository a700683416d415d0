"""Whether a dump is made by several workers at a time, and its files inside a bundle, each table with its sum."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from bonanca.actuators.postgres.dump_parallel import auto_jobs, dump_directory
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import Unavailable
from bonanca.recovery.bundle import BundleWriter
from bonanca.recovery.envelope import EnvelopeDamaged

FOLDER = "database"
SUMS = "database.json"
# Below this one worker is as fast: each has to connect and to read the catalog of the database first.
WORTH_BYTES = 64_000_000
_PIECE = 1024 * 1024


class NoScratchRoom(Unavailable):
    """The files of a parallel dump have no room before they are sealed."""


@dataclass(frozen=True)
class Parallel:
    """So many workers, whose files wait in `scratch` (made and removed here) until they are sealed."""

    jobs: int
    scratch: Path


def parallel_for(declared: int, database_bytes: int, scratch: Path) -> Parallel | None:
    """How to dump a database of that size; None: in one stream, which needs no scratch and never lies in the clear.

    Args:
        declared: workers; 0: as many as are good for it here.

    Raises:
        NoScratchRoom: more than one is declared, and the disk has no room for what they write.
    """
    jobs = declared or (auto_jobs() if database_bytes >= WORTH_BYTES else 1)
    if jobs == 1:
        return None
    free = shutil.disk_usage(scratch.parent).free
    # Compressed, without indexes, and sealed as they come: the files are never larger than the database.
    if free >= database_bytes:
        return Parallel(jobs, scratch)
    if not declared:
        return None
    raise NoScratchRoom(
        _("A dump by %(jobs)d workers needs up to %(needed)d MB on the disk of %(folder)s, and %(free)d MB are free.")
        % {
            "jobs": jobs,
            "needed": -(-database_bytes // 1_000_000),
            "folder": scratch.parent,
            "free": free // 1_000_000,
        },
        hint=_(
            "Declare backup.jobs: 1, which writes nothing before it is sealed, or put BONANCA_HOME on a larger disk."
        ),
    )


def restore_jobs(service: ServiceView) -> int:
    """Connections that load tables at a time when the service's database is restored."""
    declared = service.restore.jobs if service.restore else 0
    return declared or auto_jobs()


def add_dump(
    bundle: BundleWriter, dsn: str, how: Parallel, *, snapshot: str, on_bytes: Callable[[int], None]
) -> dict[str, Any]:
    """Dump into the bundle; returns the facts: `dump`, `jobs`, `tables` (table → [file, bytes, SHA-256]).

    Raises:
        DumpFailed. OSError: the disk is full.
    """
    how.scratch.mkdir(mode=0o700, parents=True)
    sums: dict[str, tuple[int, str]] = {}

    def take(path: Path) -> None:
        with path.open("rb") as source:
            member = tarfile.TarInfo(f"{FOLDER}/{path.name}")
            member.size, member.mode = path.stat().st_size, 0o600
            summing = _Summing(source)
            bundle.add(member, summing)  # type: ignore[arg-type] # what tarfile needs of a file is `read`
        sums[path.name] = (member.size, summing.sum.hexdigest())
        if path.name != "toc.dat":
            path.unlink()

    try:
        tables = dump_directory(dsn, how.scratch, snapshot=snapshot, jobs=how.jobs, take=take, progress=on_bytes)
    finally:
        shutil.rmtree(how.scratch)
    bundle.add_bytes(SUMS, json.dumps({"files": sums, "tables": tables}).encode())
    found = {table: [name, *sums[name]] for name, table in tables.items() if name in sums}
    return {"dump": FOLDER, "jobs": how.jobs, "tables": found}


class DumpReader:
    """Writes the members of such a dump below `folder`, and compares each with its sum."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, tuple[int, str]] = {}
        self.done = False

    @staticmethod
    def takes(member: tarfile.TarInfo) -> bool:
        """Whether the member belongs to a dump by several workers."""
        return member.name == SUMS or member.name.partition("/")[0] == FOLDER

    def take(self, member: tarfile.TarInfo, content: IO[bytes]) -> None:
        """Write one member.

        Raises:
            EnvelopeDamaged: a file is not what was taken; the tables are named.
        """
        if member.name == SUMS:
            said = json.loads(content.read())
            wanted = {name: tuple(sums) for name, sums in said["files"].items()}
            wrong = sorted(name for name in {*wanted, *self._seen} if wanted.get(name) != self._seen.get(name))
            if wrong:
                raise EnvelopeDamaged(
                    _("These tables are not what was taken: %(names)s")
                    % {"names": ", ".join(f"{said['tables'].get(name, '-')} ({name})" for name in wrong[:20])}
                )
            self.done = True
            return
        name = member.name.rpartition("/")[2]
        self._folder.mkdir(mode=0o700, exist_ok=True)
        summing = _Summing(content)
        with (self._folder / name).open("xb") as out:
            shutil.copyfileobj(summing, out, _PIECE)
        self._seen[name] = (member.size, summing.sum.hexdigest())


def table_of(facts: Mapping[str, Any], text: str) -> str:
    """The table whose file a message names; "" when it names none."""
    for table, (name, *_sums) in (facts.get("tables") or {}).items():
        if f"{FOLDER}/{name}" in text:
            return str(table)
    return ""


class _Summing:
    """A file that is summed while it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As the file's own."""
        data = self._source.read(size)
        self.sum.update(data)
        return data
