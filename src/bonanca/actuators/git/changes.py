"""What git tells about a change, as values, and the reading of git's machine formats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Fields are separated by 0x1f, which a message could hold only on purpose; commits by NUL (`-z`), which it cannot.
LOG_FORMAT = "%H%x1f%an%x1f%ae%x1f%cI%x1f%s%x1f%b"
_FIELDS = 6


@dataclass(frozen=True)
class Commit:
    """One commit; `committed_at` is aware, in the committer's zone."""

    sha: str
    author_name: str
    author_email: str
    committed_at: datetime
    subject: str
    body: str

    @property
    def short(self) -> str:
        return self.sha[:12]


@dataclass(frozen=True)
class FileChange:
    """One file that differs; the line counts are None for a binary file."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True)
class DiffStat:
    """All files that differ between two commits."""

    files: tuple[FileChange, ...]

    @property
    def added(self) -> int:
        return sum(change.added or 0 for change in self.files)

    @property
    def removed(self) -> int:
        return sum(change.removed or 0 for change in self.files)


@dataclass(frozen=True)
class DiffText:
    """A unified diff; `truncated` when it was longer than asked for."""

    text: str
    truncated: bool


def parse_log(output: bytes) -> tuple[Commit, ...]:
    """Commits from `git log -z --format=LOG_FORMAT`."""
    commits = []
    for record in output.decode("utf-8", "replace").split("\0"):
        if not record.strip():
            continue
        sha, name, email, when, subject, body = record.split("\x1f", _FIELDS - 1)
        commits.append(Commit(sha.strip(), name, email, datetime.fromisoformat(when), subject, body.strip()))
    return tuple(commits)


def parse_numstat(output: bytes) -> DiffStat:
    """Changes from `git diff --numstat -z --no-renames`."""
    changes = []
    for record in output.decode("utf-8", "replace").split("\0"):
        if record:
            added, removed, path = record.split("\t", 2)
            changes.append(FileChange(path, _lines(added), _lines(removed)))
    return DiffStat(tuple(changes))


def _lines(text: str) -> int | None:
    return None if text == "-" else int(text)
