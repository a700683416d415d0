"""Git on this host: what a change contains, and releases that a service is switched between.

The functions take the repository's path; `bonanca.actuators.git.fake.FakeRepository` stands in for it in tests.
"""

from __future__ import annotations

from pathlib import Path

from bonanca.actuators.git.changes import Commit, DiffStat, DiffText, FileChange
from bonanca.actuators.git.repository import GitRepository

__all__ = [
    "Commit",
    "DiffStat",
    "DiffText",
    "FileChange",
    "checkout_release",
    "diff_stat",
    "diff_text",
    "log_between",
    "resolve",
    "show_file",
]


def resolve(repo: Path | str, ref: str) -> str:
    """The full commit id (40 hex digits) of a branch, tag or commit. Raises UnknownRepository, BadRef, UnknownRef."""
    return GitRepository(Path(repo)).resolve(ref)


def checkout_release(repo: Path | str, sha: str, releases_dir: Path) -> Path:
    """The folder `releases_dir/<first 12 digits>` with the tree of a commit, made whole or not at all."""
    return GitRepository(Path(repo)).checkout_release(sha, releases_dir)


def log_between(repo: Path | str, old: str, new: str, *, limit: int = 200) -> tuple[Commit, ...]:
    """The commits of `new` that `old` has not, newest first."""
    return GitRepository(Path(repo)).log_between(old, new, limit=limit)


def diff_stat(repo: Path | str, old: str, new: str) -> DiffStat:
    """Which files differ between two commits, and by how many lines."""
    return GitRepository(Path(repo)).diff_stat(old, new)


def diff_text(repo: Path | str, old: str, new: str, *, path: str | None = None, max_bytes: int = 200_000) -> DiffText:
    """The unified diff from `old` to `new`, of one file or of all, cut at `max_bytes`."""
    return GitRepository(Path(repo)).diff_text(old, new, path=path, max_bytes=max_bytes)


def show_file(repo: Path | str, sha: str, path: str, *, max_bytes: int = 1_000_000) -> bytes:
    """The content of one file at a commit. Raises UnknownFile, FileTooLarge."""
    return GitRepository(Path(repo)).show_file(sha, path, max_bytes=max_bytes)
