"""A repository in memory for other rooms' tests; it passes the same contract test as the real one."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bonanca.actuators.git.changes import Commit, DiffStat, DiffText, FileChange
from bonanca.actuators.git.errors import FileTooLarge, UnknownFile, UnknownRef
from bonanca.actuators.git.repository import SHORT, check_path, check_ref

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeRepository:
    """A linear history: `commit()` adds to it, `tag()` names its end."""

    _commits: list[tuple[Commit, dict[str, bytes]]] = field(default_factory=list)
    _tags: dict[str, str] = field(default_factory=dict)

    def commit(self, subject: str, files: Mapping[str, bytes]) -> str:
        """Add a commit whose whole tree is `files`; returns its id."""
        text = repr((len(self._commits), subject, sorted(files.items())))
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        when = _EPOCH + timedelta(minutes=len(self._commits))
        self._commits.append((Commit(sha, "Ana Souza", "ana@loja.example", when, subject, ""), dict(files)))
        return sha

    def tag(self, name: str) -> None:
        """Name the newest commit."""
        self._tags[name] = self._commits[-1][0].sha

    def resolve(self, ref: str) -> str:
        wanted = self._tags.get(check_ref(ref), ref)
        found = [commit.sha for commit, _ in self._commits if len(wanted) >= 4 and commit.sha.startswith(wanted)]
        if len(found) != 1:
            raise UnknownRef(f"no “{ref}”", field="ref")
        return found[0]

    def log_between(self, old: str, new: str, *, limit: int = 200) -> tuple[Commit, ...]:
        span = self._commits[self._position(old) + 1 : self._position(new) + 1]
        return tuple(commit for commit, _ in reversed(span))[:limit]

    def diff_stat(self, old: str, new: str) -> DiffStat:
        changes = []
        for path, before, after in self._differing(old, new):
            lines = [line for line in difflib.ndiff(before, after) if line[:2] in ("+ ", "- ")]
            added = sum(line.startswith("+") for line in lines)
            changes.append(FileChange(path, added, len(lines) - added))
        return DiffStat(tuple(changes))

    def diff_text(self, old: str, new: str, *, path: str | None = None, max_bytes: int = 200_000) -> DiffText:
        only = None if path is None else check_path(path)
        text = ""
        for name, before, after in self._differing(old, new):
            if only in (None, name):
                text += "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))
        data = text.encode()
        return DiffText(data[:max_bytes].decode("utf-8", "replace"), truncated=len(data) > max_bytes)

    def show_file(self, sha: str, path: str, *, max_bytes: int = 1_000_000) -> bytes:
        files = self._files(sha)
        name = check_path(path)
        if name not in files:
            raise UnknownFile(f"no “{path}”", field="path")
        if len(files[name]) > max_bytes:
            raise FileTooLarge(f"“{path}” is too large", field="path")
        return files[name]

    def checkout_release(self, sha: str, releases_dir: Path) -> Path:
        release = releases_dir / self.resolve(sha)[:SHORT]
        for name, data in self._files(sha).items():
            place = release / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return release

    def _position(self, ref: str) -> int:
        sha = self.resolve(ref)
        return next(place for place, (commit, _) in enumerate(self._commits) if commit.sha == sha)

    def _files(self, ref: str) -> dict[str, bytes]:
        return self._commits[self._position(ref)][1]

    def _differing(self, old: str, new: str) -> list[tuple[str, list[str], list[str]]]:
        before, after = self._files(old), self._files(new)
        changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        return [(name, _lines(before.get(name)), _lines(after.get(name))) for name in changed]


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode("utf-8", "replace").splitlines(keepends=True)
