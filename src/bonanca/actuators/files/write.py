"""Write a file once per idempotency key, and take it back byte for byte."""

from __future__ import annotations

from pathlib import Path

from bonanca.actuators.files.atomic import remove, write_atomic
from bonanca.actuators.files.held import followed, read_followed
from bonanca.actuators.files.store import ContentStore, FileState, Intent, digest
from bonanca.durable.crashpoints import point


def written(store: ContentStore, key: str) -> Intent | None:
    """The change made under `key`, if the file holds its result now; None when it is still to be made."""
    intent = store.intent(key)
    if intent is None or current_hash(Path(intent.path)) != intent.after.sha256:
        return None
    return intent


def write_file(store: ContentStore, *, key: str, path: Path, data: bytes, mode: int | None = None) -> Intent:
    """Make `path` hold `data`, remembering first what it held.

    Called again under the same key it makes sure of the same result and still reports the content of before the
    *first* call.

    Raises:
        LedElsewhere, OSError: nothing was changed.
    """
    target = followed(path)
    intent = store.intent(key)
    if intent is None:
        before = store.capture(target)
        intent = Intent(key, str(target), before, FileState(store.put(data), mode or before.mode))
        store.record(intent)
        point("files.write.intent_recorded")
    put_state(store, target, intent.after)
    point("files.write.written")
    return intent


def restore_file(store: ContentStore, *, key: str, path: Path, state: FileState) -> Intent:
    """Put `path` back to a state that the store kept, keeping in turn what is there now.

    Raises:
        ContentLost: the kept content is gone; nothing was changed.
        LedElsewhere, OSError: nothing was changed.
    """
    target = followed(path)
    intent = store.intent(key)
    if intent is None:
        if state.sha256 is not None:
            store.get(state.sha256)  # refuse before anything is announced
        intent = Intent(key, str(target), store.capture(target), state)
        store.record(intent)
    put_state(store, target, intent.after)
    return intent


def put_state(store: ContentStore, path: Path, state: FileState) -> None:
    """Make `path` be in `state`: these bytes and this mode, or absent."""
    if state.sha256 is None:
        remove(path)
        return
    write_atomic(path, store.get(state.sha256), mode=state.mode)


def current_hash(path: Path) -> str | None:
    """SHA-256 of the file now, None when there is none."""
    found = read_followed(path)
    return None if found is None else digest(found.data)
