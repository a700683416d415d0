"""A database by several pg_dump workers at a time: its directory format, handed on file by file as they are finished.

Works with managed servers: neither a superuser nor a file of the server is needed, only a shared snapshot.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bonanca.actuators.files.finished import watching
from bonanca.actuators.postgres.binaries import pg_bin
from bonanca.actuators.postgres.dump import contents_of, failure, running, without_password

TOC = "toc.dat"
_LOOK_EVERY_S = 0.25
# More would be asked of the service's server than a backup is worth, and of this machine.
AUTO_AT_MOST = 4


def auto_jobs() -> int:
    """How many workers this machine is good for."""
    return max(1, min(AUTO_AT_MOST, len(os.sched_getaffinity(0))))


def dump_directory(
    dsn: str,
    folder: Path,
    *,
    snapshot: str,
    jobs: int,
    take: Callable[[Path], None],
    progress: Callable[[int], None] | None = None,
) -> dict[str, str]:
    """Dump the database as `snapshot` sees it into the empty `folder`, and hand on every file that is finished.

    Args:
        take: given each file once, the table of contents last; removes it, so that the whole dump never lies there.
        progress: called with the bytes that were handed on so far; what it raises ends the dump.

    Returns:
        File name → table (`schema.name`) of the data files.

    Raises:
        DumpFailed: pg_dump said why.
    """
    address, environment = without_password(dsn)
    command = [
        *(str(pg_bin("pg_dump")), "--format=directory", "--compress=gzip:1", "--no-password"),
        *("--lock-wait-timeout=30s", f"--jobs={jobs}", f"--snapshot={snapshot}"),
        *(f"--file={folder}", f"--dbname={address}"),
    ]
    total = 0

    def handed_on(names: list[str]) -> None:
        nonlocal total
        for name in names:
            path = folder / name
            if name != TOC and path.exists():
                total += path.stat().st_size
                take(path)
                if progress is not None:
                    progress(total)

    with (
        watching(folder) as finished,
        tempfile.TemporaryFile() as said,
        running(command, environment, stdout=said, stderr=said) as child,
    ):
        while child.poll() is None:
            handed_on(finished.names(_LOOK_EVERY_S))
            if progress is not None:
                progress(total)
        if child.returncode != 0:
            raise failure("pg_dump", child.returncode, said)
    # Whatever the kernel did not tell us of.
    handed_on(sorted(path.name for path in folder.iterdir()))
    tables = tables_of(folder)
    take(folder / TOC)
    return tables


def tables_of(folder: Path) -> dict[str, str]:
    """File name → table, by the table of contents of a dump in directory format.

    Raises:
        DumpFailed: it cannot be read.
    """
    found = {}
    for line in contents_of(folder):
        # "3412; 0 16390 TABLE DATA public orders loja"
        number, _semicolon, rest = line.partition("; ")
        words = rest.split(" ")
        if words[2:4] == ["TABLE", "DATA"] and len(words) >= 7:
            found[f"{number}.dat.gz"] = f"{words[4]}.{' '.join(words[5:-1])}"
    return found
