"""Write a file of another host once per idempotency key, and take it back byte for byte.

As `actuators.files` does here. What a file held, and what a step decided before it touched it, lies on that host
(`<root>/run/contents`, `<root>/run/intents`), so that any worker can go on with what another began.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext as _

from bonanca.actuators.files.store import ContentLost, FileState, Intent, digest
from bonanca.actuators.ssh.session import HostRefused, RemoteFile, Session
from bonanca.durable.context import FenceToken
from bonanca.durable.crashpoints import point

NEW_FILE_MODE = 0o600
_SHORT_S = 60.0
# A reader sees the old file or the new one, and the folder's entry is on the disk before anybody hears of it.
# $3 is the file's name: what other attempts at it left half sent goes.
_PLACE = (
    'mv -fT -- "$1" "$2" && for left in "${2%/*}/.$3".????????????.*.partial; do rm -f -- "$left"; done && '
    'sync -- "$(dirname -- "$2")"'
)
_REMOVE = 'rm -f -- "$1" && sync -- "$(dirname -- "$1")"'


@dataclass(frozen=True)
class Ground:
    """A service's root on its host, for one step: everything that acts is fenced by the root."""

    session: Session
    root: PurePosixPath
    token: FenceToken

    @property
    def fence(self) -> str:
        """The folder of the fence; also that of other actuators that act below the same root."""
        return fence_of(self.root)

    @property
    def mark(self) -> str:
        """What tells the names of files apart that this epoch of the plan sends."""
        return f"{self.token.run_id.hex[-12:]}-{self.token.epoch}"

    def act(self, script: str, *words: str, timeout_s: float = _SHORT_S) -> None:
        """Run a constant shell text with words as its parameters, fenced.

        Raises:
            HostRefused: it failed.
        """
        argv = ("/bin/sh", "-c", script, "sh", *words)
        ended = self.session.run(argv, timeout_s=timeout_s, fence=self.fence, token=self.token)
        if not ended.ok:
            raise HostRefused(f"{self.session.spec.address}: {ended.said or ended.code}")

    def put(self, path: PurePosixPath, data: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
        """Make a file hold `data`, in one step."""
        # Sending is not fenced: who has lost the plan may be sending still, and never what is put in place here.
        partial = path.with_name(f".{path.name}.{digest(data)[:12]}.{self.mark}.partial")
        self.send(partial, iter((data,)), mode=mode, owner=owner)
        self.act(_PLACE, str(partial), str(path), path.name)

    def send(self, path: PurePosixPath, data: Iterator[bytes], *, mode: int, **more: Any) -> None:
        """As the session's, once the fence is known to be one that nobody else can change.

        Raises:
            HostRefused: others may write below the root where only we may.
        """
        if self.fence not in self.session.fences:
            self.act(":")
        self.session.send(str(path), data, mode=mode, **more)

    def remember(self, kind: str, key: str, facts: dict[str, object]) -> None:
        """Keep what a step decided, before it acts."""
        self.put(self._place(kind, key), json.dumps(facts, sort_keys=True).encode(), mode=0o600)

    def remembered(self, kind: str, key: str) -> dict[str, object] | None:
        """What was kept under the key."""
        return remembered(self.session, self.root, kind, key)

    def _place(self, kind: str, key: str) -> PurePosixPath:
        return place_of(self.root, kind, key)


def fence_of(root: PurePosixPath) -> str:
    """The folder in which those take turns who act below a root."""
    return str(root / "run" / "fence")


def place_of(root: PurePosixPath, kind: str, key: str) -> PurePosixPath:
    """Where a step's decision lies."""
    return root / "run" / kind / f"{digest(key.encode())}.json"


def remembered(session: Session, root: PurePosixPath, kind: str, key: str) -> dict[str, object] | None:
    """What was kept under a step's key on the host."""
    found = session.read(str(place_of(root, kind, key)))
    if found is None:
        return None
    loaded: dict[str, object] = json.loads(found.data)
    return loaded


def written(session: Session, root: PurePosixPath, key: str) -> Intent | None:
    """The change made under `key`, if the file holds its result now; None when it is still to be made."""
    intent = _intent(remembered(session, root, "intents", key))
    if intent is None:
        return None
    now = session.read(intent.path)
    return intent if (digest(now.data) if now else None) == intent.after.sha256 else None


def write_file(ground: Ground, *, key: str, path: PurePosixPath, data: bytes, mode: int | None = None) -> Intent:
    """Make `path` hold `data`, remembering first what it held."""
    intent = _intent(ground.remembered("intents", key))
    if intent is None:
        before = ground.session.read(str(path))
        after = FileState(keep(ground, data), mode or (before.mode if before else None))
        intent = _decided(ground, key, path, before, after)
    _put_state(ground, path, intent.after)
    point("ssh.write.written")
    return intent


def restore_file(ground: Ground, *, key: str, path: PurePosixPath, state: FileState, data: bytes | None) -> Intent:
    """Put `path` back to `state`, keeping in turn what is there now; `data` when the host does not keep it itself.

    Raises:
        ContentLost: the host no longer keeps the content; nothing was changed.
    """
    intent = _intent(ground.remembered("intents", key))
    if intent is None:
        if data is not None and state.sha256 is not None:
            keep(ground, data)
        if state.sha256 is not None:
            _content(ground, state.sha256)  # refuse before anything is announced
        intent = _decided(ground, key, path, ground.session.read(str(path)), state)
    _put_state(ground, path, intent.after)
    return intent


def keep(ground: Ground, data: bytes) -> str:
    """Keep a content on the host under its SHA-256."""
    sha256 = digest(data)
    place = _content_place(ground.root, sha256)
    if ground.session.read(str(place)) is None:
        ground.put(place, data, mode=0o400)
    return sha256


def _decided(ground: Ground, key: str, path: PurePosixPath, before: RemoteFile | None, after: FileState) -> Intent:
    was = FileState(None, None) if before is None else FileState(keep(ground, before.data), before.mode)
    intent = Intent(key, str(path), was, after)
    ground.remember("intents", key, asdict(intent))
    point("ssh.write.intent_recorded")
    return intent


def _put_state(ground: Ground, path: PurePosixPath, state: FileState) -> None:
    if state.sha256 is None:
        ground.act(_REMOVE, str(path))
        return
    there = ground.session.read(str(path))
    mode = state.mode if state.mode is not None else NEW_FILE_MODE
    ground.put(path, _content(ground, state.sha256), mode=mode, owner=there.owner if there else None)


def _content(ground: Ground, sha256: str) -> bytes:
    place = _content_place(ground.root, sha256)
    found = ground.session.read(str(place))
    if found is None or digest(found.data) != sha256:
        raise ContentLost(
            _("%(file)s on %(host)s: the kept content is missing or damaged.")
            % {"file": place, "host": ground.session.spec.address}
        )
    return found.data


def _content_place(root: PurePosixPath, sha256: str) -> PurePosixPath:
    return root / "run" / "contents" / sha256[:2] / sha256


def _intent(facts: dict[str, object] | None) -> Intent | None:
    if facts is None:
        return None
    before, after = facts["before"], facts["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    return Intent(str(facts["key"]), str(facts["path"]), FileState(**before), FileState(**after))
