"""Restore a backup into a server that exists only for this, and look at what came back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
from django.utils.translation import gettext as _

from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import session
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError
from bonanca.recovery.bundle import FilesReader
from bonanca.recovery.engines import Opening, Target, engine_named, outside_named
from bonanca.recovery.envelope import EnvelopeDamaged
from bonanca.recovery.fetching import read_back
from bonanca.recovery.looking import brought_back
from bonanca.recovery.sealing import DiskFull
from bonanca.recovery.views import BackupView

CHECK_TIMEOUT_S = 60.0
# The restored database, its write-ahead log and the opened dump beside the sealed one.
ROOM_FACTOR = 1.5
Say = Callable[[float | None, str], None]


class DrillNotHeld(BonancaError):
    """The backup was restored and does not hold what it should; the message says what."""


@dataclass(frozen=True)
class Check:
    """One query and what it must answer: `equals` something, or a number of `at_least`."""

    name: str
    sql: str
    equals: Any = None
    at_least: float | None = None


@dataclass
class Findings:
    """What the drill saw, as JSON facts; it grows while the drill goes on, so that a failure keeps what was seen."""

    replicas: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
    # Of the people who were erased, how many a return of this backup would bring back.
    privacy: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        facts = {"replicas": self.replicas, "seconds": self.seconds, "counts": self.counts, "checks": self.checks}
        return facts | {name: found for name in ("files", "privacy") if (found := getattr(self, name))}


def restore_and_check(
    service: ServiceView,
    backup: BackupView,
    folder: Path,
    *,
    identities: Sequence[str],
    checks: Sequence[Check],
    findings: Findings,
    say: Say,
) -> float:
    """Fetch from the first intact place, open, restore and check; every other place is read and compared too.

    Args:
        folder: for the scratch server and the opened backup; the caller removes it.

    Returns:
        restore_seconds: from the first byte fetched to a database that answers (the RTO that was measured).

    Raises:
        NoReplicaIntact, WrongIdentity, EnvelopeDamaged, DiskFull, DumpFailed, ClusterFailed, DrillNotHeld.
    """
    _room(folder, backup)
    folder.mkdir(mode=0o700, parents=True)
    began = monotonic()
    files = _files_reader(backup, folder / "files")
    opening = Opening(service, backup, Target(), folder, identities, say, findings.replicas, findings.seconds, files)
    with closing_files(files), engine_named(backup.engine).scratch(opening) as scratch:
        restore_seconds = monotonic() - began
        say(0.8, _("checking"))
        if files is not None:
            findings.files = compare_files(backup, files)
        if scratch.dsn is not None:
            with opening.timed("check"):
                compare_counts(scratch.dsn, scratch.row_counts, findings)
                run_checks(scratch.dsn, checks, findings)
                findings.privacy = brought_back(service, scratch.dsn)
    say(0.9, _("reading the other places"))
    for replica in backup.copies[len(findings.replicas) :]:
        _looked_at(service, backup, replica.place, findings)
    held(findings)
    return restore_seconds


def _looked_at(service: ServiceView, backup: BackupView, place: str, findings: Findings) -> None:
    outside = outside_named(backup.engine)
    if outside is None:
        read_back(place, backup, None, findings.replicas)
        return
    began = monotonic()
    seen = outside.look(service, backup, place)
    said = {"place": place, "ok": not seen.error, "answered": seen.answered, "error": seen.error}
    findings.replicas.append({**said, "seconds": round(monotonic() - began, 3)})


def _files_reader(backup: BackupView, folder: Path) -> FilesReader | None:
    """Where the backup's files go in a drill; None: it holds none."""
    if backup.files is None:
        return None
    folder.mkdir(mode=0o700)
    return FilesReader({number: folder / str(number) for number, _root in enumerate(backup.files["roots"])})


@contextmanager
def closing_files(files: FilesReader | None) -> Iterator[None]:
    """Close it at the end, if there is one."""
    try:
        yield
    finally:
        if files is not None:
            files.close()


def compare_files(backup: BackupView, files: FilesReader) -> dict[str, Any]:
    """What came back, against what was taken. Every single one was compared with the manifest as it came.

    Raises:
        EnvelopeDamaged: the manifest never came, or speaks of another number than the backup's record.
    """
    assert backup.files is not None
    if not files.done or (files.files, files.bytes) != (backup.files["files"], backup.files["bytes"]):
        raise EnvelopeDamaged(
            _("The backup gave back %(files)d files, and %(taken)d were taken.")
            % {"files": files.files, "taken": backup.files["files"]}
        )
    return {"files": files.files, "bytes": files.bytes, "owners_lost": files.owners_lost}


def _room(folder: Path, backup: BackupView) -> None:
    needed = engine_named(backup.engine).room(backup, Target()) + int(backup.database_bytes * ROOM_FACTOR)
    needed += backup.files["bytes"] if backup.files else 0
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise DiskFull(
            _("The drill needs %(needed).0f MB on the disk of %(folder)s and %(free).0f MB are free.")
            % {"needed": needed / 1e6, "folder": folder.parent, "free": free / 1e6}
        )


def compare_counts(dsn: str, expected: Mapping[str, int] | None, findings: Findings) -> None:
    """Count every table's rows and note where they are not as many as expected (None: nobody counted before)."""
    with session(dsn, read_only=True) as connection:
        restored = count_rows(connection)
    if expected is None:
        expected = restored
    differing = {
        table: {"backup": expected.get(table), "restored": restored.get(table)}
        for table in sorted({*expected, *restored})
        if expected.get(table) != restored.get(table)
    }
    findings.counts = {"tables": len(expected), "rows": sum(restored.values()), "differing": differing}


def run_checks(dsn: str, checks: Sequence[Check], findings: Findings) -> None:
    """Ask every check and note what came."""
    for check in checks:
        got: Any = None
        error = ""
        try:
            with session(dsn, read_only=True, timeout_s=CHECK_TIMEOUT_S) as connection:
                row = connection.execute(check.sql.encode()).fetchone()
                got = row[0] if row else None
        except psycopg.Error as problem:
            error = str(problem).strip().splitlines()[0]
        findings.checks.append(
            {
                "name": check.name,
                "sql": check.sql,
                "expected": f"≥ {check.at_least:g}" if check.at_least is not None else str(check.equals),
                "got": None if got is None else str(got),
                "ok": not error and holds(got, check.equals, check.at_least),
                "error": error,
            }
        )


def holds(got: Any, equals: Any, at_least: float | None) -> bool:
    """Whether an answer fits. Numbers are compared as numbers, whatever type the database gave them."""
    if at_least is not None:
        number = _number(got)
        return number is not None and number >= Decimal(str(at_least))
    left, right = _number(got), _number(equals)
    return left == right if left is not None and right is not None else got == equals or str(got) == str(equals)


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def held(findings: Findings) -> None:
    """Raises DrillNotHeld, with everything that is not as it should be."""
    problems = [
        _("%(table)s has %(restored)s rows, the backup had %(backup)s") % {"table": table, **counts}
        for table, counts in findings.counts.get("differing", {}).items()
    ]
    problems += [
        _("check “%(name)s”: expected %(expected)s, got %(got)s")
        % {"name": check["name"], "expected": check["expected"], "got": check["error"] or check["got"]}
        for check in findings.checks
        if not check["ok"]
    ]
    if problems:
        raise DrillNotHeld("; ".join(problems))
