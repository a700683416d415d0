"""Restores and kept databases as others see them. Sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bonanca.durable.plan import StepSpec
from bonanca.durable.state import RunState
from bonanca.recovery.state import RestoreMode, RestorePart, RestoreState
from bonanca.recovery.verdicts import NO, Finding


@dataclass(frozen=True)
class RestoreView:
    """A restore: what was shown, who started it, and how its plan stands (`outcome`, None: not started)."""

    id: UUID
    service: str
    backup_id: UUID
    target_kind: str
    target_value: str
    mode: RestoreMode
    database: str
    state: RestoreState
    verdict: tuple[Finding, ...]
    steps: tuple[StepSpec, ...]
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    started_by: str
    started_at: datetime | None
    run_id: UUID | None
    outcome: RunState | None
    finished_at: datetime | None
    error: str
    undo_run_id: UUID | None
    receipts: dict[str, Any]
    part: RestorePart = RestorePart.DATABASE
    folder: str = ""

    @property
    def of_files(self) -> bool:
        """Whether folders and files come back."""
        return self.part is not RestorePart.DATABASE

    @property
    def of_database(self) -> bool:
        """Whether the database comes back."""
        return self.part is not RestorePart.FILES

    @property
    def where(self) -> str:
        """Where it goes, in a word: a database, a folder, or the service's own paths."""
        paths = self.steps[0].params.get("paths", ()) if self.steps else ()
        return self.database if self.of_database else self.folder or ", ".join(paths)

    @property
    def refused(self) -> bool:
        """Whether something stands in its way."""
        return any(found.answer == NO for found in self.verdict)

    @property
    def kept(self) -> str | None:
        """The name under which the replaced database was kept; None: none was replaced yet."""
        placed = self.receipts.get("place") or {}
        return placed.get("kept")


@dataclass(frozen=True)
class KeptDatabase:
    """A database that a rollback or a restore replaced and kept. `kept_by` is the key of the step that did it.

    `expires_at` None: seen just now, its time is counted from the next look of the worker on.
    """

    name: str
    database: str
    kept_at: datetime
    kept_by: str
    size_bytes: int | None
    expires_at: datetime | None = None
    closed: bool = False
    open_until: datetime | None = None


@dataclass(frozen=True)
class KeptTree:
    """A folder or file that a restore replaced and kept (see `KeptFiles`). `size_bytes` None: not counted yet."""

    name: str
    path: str
    kept_path: str
    kept_at: datetime
    kept_by: UUID
    size_bytes: int | None
    expires_at: datetime
