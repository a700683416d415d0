"""What a file was before we changed it: contents by their hash, and one intent for each change.

An intent is written *before* the file is touched. A worker that dies between the write and its receipt
leaves the intent, and the next one learns from it what the file was, although the file no longer tells.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.files.held import read_followed


class ContentLost(Exception):
    """A content that the store should hold is missing or no longer has its hash."""


@dataclass(frozen=True)
class FileState:
    """A file at one moment: its SHA-256 in hex (None: there was no file) and its permission bits."""

    sha256: str | None
    mode: int | None


@dataclass(frozen=True)
class Intent:
    """One change of one file, decided and not necessarily done."""

    key: str
    path: str
    before: FileState
    after: FileState


class ContentStore:
    """Contents under `folder`, named by their SHA-256, private to the owner (configuration holds secrets)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its SHA-256 in hex. Keeping it twice costs nothing."""
        sha256 = digest(data)
        place = self._place(sha256)
        if not place.exists():
            self._private(place.parent)
            write_atomic(place, data, mode=0o400)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The content with this hash.

        Raises:
            ContentLost: it is not here, or the disk returned other bytes.
        """
        place = self._place(sha256)
        try:
            data = place.read_bytes()
        except FileNotFoundError as error:
            raise ContentLost(_("%(file)s: the kept content is missing.") % {"file": place}) from error
        if digest(data) != sha256:
            raise ContentLost(_("%(file)s: the kept content no longer has its hash.") % {"file": place})
        return data

    def capture(self, path: Path) -> FileState:
        """Keep what is at `path` now and say what it was.

        Raises:
            LedElsewhere: somebody else's link leads elsewhere, or it is no file. OSError: it cannot be read.
        """
        found = read_followed(path)
        return FileState(None, None) if found is None else FileState(self.put(found.data), found.mode)

    def intent(self, key: str) -> Intent | None:
        """The intent recorded under an idempotency key, if there is one."""
        try:
            raw = json.loads(self._intent_place(key).read_bytes())
        except FileNotFoundError:
            return None
        return Intent(raw["key"], raw["path"], FileState(**raw["before"]), FileState(**raw["after"]))

    def record(self, intent: Intent) -> None:
        """Write an intent durably, before the change that it announces."""
        place = self._intent_place(intent.key)
        self._private(place.parent)
        write_atomic(place, json.dumps(asdict(intent), sort_keys=True).encode(), mode=0o600)

    def _private(self, folder: Path) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        for place in (self.folder, folder.parent, folder):
            place.mkdir(exist_ok=True, mode=0o700)

    def _place(self, sha256: str) -> Path:
        return self.folder / "contents" / sha256[:2] / sha256

    def _intent_place(self, key: str) -> Path:
        return self.folder / "intents" / f"{digest(key.encode())}.json"


def digest(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()
