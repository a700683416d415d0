"""Replace a file so that a reader, or a crash, sees the old bytes or the new ones and nothing between."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bonanca.actuators.files.held import followed, held

NEW_FILE_MODE = 0o600


def write_atomic(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put `data` at `path` in one step and make it durable (file and folder are fsynced).

    An existing file keeps its mode and owner unless `mode` says otherwise; a new one is private (0600).
    Folders that are missing are created. A symlink is followed, so the link itself survives; where we are root, only
    root's.

    Raises:
        LedElsewhere: somebody else's link leads away from `path`, or there is something that is no file.
        OSError: the folder cannot be written, or the disk is full; `path` is then unchanged.
    """
    target = followed(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with held(target.parent) as folder:
        before = folder.facts(target.name)
        if before is None:
            folder.write(target.name, data, mode=NEW_FILE_MODE if mode is None else mode, owner=(-1, -1))
        else:
            as_it_was = stat.S_IMODE(before.st_mode) if mode is None else mode
            folder.write(target.name, data, mode=as_it_was, owner=(before.st_uid, before.st_gid))


def remove(path: Path) -> None:
    """Remove a file durably; one that is already gone is fine."""
    target = followed(path)
    if target.parent.is_dir():
        with held(target.parent) as folder:
            folder.remove(target.name)


def sync_folder(folder: Path) -> None:
    """Make a rename or an unlink in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
