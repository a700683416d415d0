"""Replace a file so that a reader, or a crash, sees the old bytes or the new ones and nothing between."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

NEW_FILE_MODE = 0o600


def write_atomic(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put `data` at `path` in one step and make it durable (file and folder are fsynced).

    An existing file keeps its mode and owner unless `mode` says otherwise; a new one is private (0600).
    Folders that are missing are created. A symlink is followed, so the link itself survives.

    Raises:
        OSError: the folder cannot be written, or the disk is full; `path` is then unchanged.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    before = _stat(target)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            if before is not None and os.geteuid() == 0:
                os.fchown(out.fileno(), before.st_uid, before.st_gid)
            os.fchmod(out.fileno(), mode if mode is not None else _mode_of(before))
            os.fsync(out.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file durably; one that is already gone is fine."""
    target = path.resolve()
    target.unlink(missing_ok=True)
    if target.parent.is_dir():
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or an unlink in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _mode_of(before: os.stat_result | None) -> int:
    return NEW_FILE_MODE if before is None else stat.S_IMODE(before.st_mode)
