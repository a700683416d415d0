"""One door for every kind of backup: what would make a restore fail, and a server that holds the data as it was.

Drills, restores and plans call an engine through here and never ask which kind it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError, Unavailable
from bonanca.recovery.views import BackupView
from bonanca.ui.phrases import render

# Told a share (0 to 1, None: unknown) and a text; what it raises ends the work.
Say = Callable[[float | None, str], None]


class EngineMissing(Unavailable):
    """This release has no engine for the kind of backup."""


@dataclass(frozen=True)
class Target:
    """Where to return to. All None: the newest backup. At most one of `time`, `lsn` and `name` is given.

    `time` is aware; `lsn` a WAL position such as 0/16B3748; `name` a named restore point; `backup_id` alone means that
    backup's own moment, beside one of the others the backup to begin from.
    """

    backup_id: UUID | None = None
    time: datetime | None = None
    lsn: str | None = None
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads: JSON values, without what is not given."""
        given = {
            "backup_id": str(self.backup_id) if self.backup_id else None,
            "time": self.time.isoformat() if self.time else None,
            "lsn": self.lsn,
            "name": self.name,
        }
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Target:
        """Raises ValueError: it was not written by `to_json`."""
        return cls(
            backup_id=UUID(data["backup_id"]) if data.get("backup_id") else None,
            time=datetime.fromisoformat(data["time"]) if data.get("time") else None,
            lsn=data.get("lsn"),
            name=data.get("name"),
        )

    @property
    def is_point(self) -> bool:
        """Whether a moment is asked for that only write-ahead log reaches exactly."""
        return self.time is not None or self.lsn is not None or self.name is not None


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at before anything is touched.

    `code` names it for machines and never changes (`wrong_key`, `disk_full`, `missing_wal`…). `text` and `hint` are
    English message ids with named placeholders in `facts` (JSON values); `hint` says what to do. A finding that did
    not pass makes the restore fail; `warning` passes, and is worth reading.
    """

    passed: bool
    code: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    warning: bool = False

    @property
    def words(self) -> str:
        """The finding in the active language."""
        return render(self.text, self.facts)

    @property
    def advice(self) -> str:
        """What to do, in the active language; empty when there is nothing to do."""
        return render(self.hint, self.facts) if self.hint else ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: the keyword arguments of this class."""
        return {
            "passed": self.passed,
            "code": self.code,
            "text": self.text,
            "facts": dict(self.facts),
            "hint": self.hint,
            "warning": self.warning,
        }


def problem(code: str, error: BonancaError) -> Finding:
    """A finding from an error that was met while looking: its words, already in the reader's language."""
    facts = {"reason": error.message, "advice": error.hint or ""}
    return Finding(False, code, "%(reason)s", facts, "%(advice)s" if error.hint else "")


@dataclass(frozen=True)
class Reached:
    """The moment that was really reached: the server's clock, WAL position and timeline; None where unknown."""

    time: datetime | None = None
    lsn: str | None = None
    timeline: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"time": self.time.isoformat() if self.time else None, "lsn": self.lsn, "timeline": self.timeline}


@dataclass
class Evidence:
    """What an engine saw while it worked, as JSON facts: it grows, so that a failure keeps what was seen.

    `replicas` has {place, ok, answered, error, seconds} for each place that was read; `seconds` is per phase.
    """

    replicas: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Materialised(Protocol):
    """A running scratch server that holds the database as it was. Stop it; the folder is removed by the caller."""

    backup: BackupView
    reached: Reached

    def dsn(self, database: str | None = None) -> str:
        """The DSN of a superuser in a database of the scratch server (default: the backed-up one)."""
        ...

    def stop(self) -> None:
        """End the server; calling it again changes nothing."""
        ...


class Engine(Protocol):
    """One kind of backup."""

    # Whether a time, a WAL position or a named point is reached exactly.
    reaches_points: bool

    def verdict(self, service: ServiceView, target: Target, identities: Sequence[str]) -> tuple[Finding, ...]:
        """Everything that would make a restore fail, and what was found to be in order; nothing is touched.

        Args:
            identities: age private keys; none given is a finding too.
        """
        ...

    def materialise(
        self,
        service: ServiceView,
        target: Target,
        folder: Path,
        *,
        identities: Sequence[str],
        say: Say,
        evidence: Evidence | None = None,
    ) -> Materialised:
        """Bring the target back into a scratch server below `folder`, which is made here and removed by the caller.

        Raises:
            NothingToRestore, NoReplicaIntact, WrongIdentity, EnvelopeDamaged, DiskFull, DumpFailed, ClusterFailed.
        """
        ...


_engines: dict[str, Engine] = {}


def register(method: str, engine: Engine) -> None:
    """Offer an engine for backups of a method (`logical`, `physical`)."""
    _engines[method] = engine


def method_of(backup: BackupView) -> str:
    """The kind of a backup."""
    return str(getattr(backup, "method", None) or "logical")


def engine_for(backup: BackupView) -> Engine:
    """The engine that took the backup.

    Raises:
        EngineMissing: this release has none for its kind.
    """
    method = method_of(backup)
    try:
        return _engines[method]
    except KeyError:
        raise EngineMissing(
            _("The backup %(id)s was made by the method “%(method)s”, which this installation does not have.")
            % {"id": backup.id, "method": method}
        ) from None
