"""The resume-everything procedure as others see it. No secrets: keys are named by their files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True)
class SourceOfData:
    """What a database is restored from: the newest good backup, and every place that has it."""

    backup_id: UUID | None
    taken_at: datetime
    proven_at: datetime | None
    object_name: str
    places: tuple[str, ...]
    size_bytes: int
    sha256: str
    rows: int
    database: str
    identity_file: Path | None
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class ProcedureStep:
    """One step. `expected_s` is measured by drills (None: never measured); `commands` are typed as they stand."""

    number: int
    service: str
    title: str
    facts: dict[str, str]
    restorable: bool
    expected_s: float | None
    commands: tuple[str, ...]
    checks: tuple[str, ...]
    source: SourceOfData | None
    warnings: tuple[str, ...]

    @property
    def words(self) -> str:
        """The title in the active language."""
        from bonanca.ui.phrases import render

        return render(self.title, self.facts)


@dataclass(frozen=True)
class Procedure:
    """Everything, in the order in which it comes back. `digest` says whether anything but the time has changed."""

    made_at: datetime
    digest: str
    steps: tuple[ProcedureStep, ...]
    warnings: tuple[str, ...]

    @property
    def expected_s(self) -> float:
        """The measured seconds together; what was never measured is not in it."""
        return sum(step.expected_s or 0.0 for step in self.steps)

    @property
    def unmeasured(self) -> int:
        """Restores whose time nobody has measured."""
        return sum(step.expected_s is None and step.restorable for step in self.steps)


@dataclass(frozen=True)
class ProcedureCopyView:
    """The procedure in one place."""

    place: str
    digest: str
    written_at: datetime | None
    error: str


@dataclass(frozen=True)
class OwnBackupView:
    """A backup of Bonança's own database. `places` are (place, ok, error)."""

    id: UUID
    state: str
    state_label: str
    taken_by: str
    started_at: datetime
    finished_at: datetime | None
    snapshot_at: datetime | None
    database: str
    object_name: str
    size_bytes: int
    sha256: str
    rows: int
    places: tuple[tuple[str, bool, str], ...]
    error: str
    verified_at: datetime | None
    restore_seconds: float | None


@dataclass(frozen=True)
class OwnStatus:
    """Whether Bonança itself could come back. `declared` is False where nobody said where its backups go."""

    declared: bool
    every_h: float
    problem: str
    last: OwnBackupView | None
    last_good: OwnBackupView | None
