"""The verdict on a restore of folders and files, asked before anything is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.utils.translation import gettext_noop

from bonanca.actuators.files.held import LedElsewhere, followed
from bonanca.recovery.state import RestoreMode
from bonanca.recovery.trees import roots_of
from bonanca.recovery.verdicts import NO, OK, UNKNOWN, Finding, finding
from bonanca.recovery.views import BackupView

NONE = gettext_noop("This backup holds no folders or files")
HOLDS = gettext_noop("The backup holds %(files)d files of %(paths)s")
NOT_WHOLE = gettext_noop(
    "Not everything was taken: %(left)d left out (%(some)s), %(changed)d written to while they were read"
)
THEN = gettext_noop("Files go back to the moment of the backup, %(at)s, whatever the database goes back to")
NO_FOLDER = gettext_noop("There is no folder %(folder)s: create it first")
NO_WRITING = gettext_noop("This worker may not write in %(folder)s")
MOUNT = gettext_noop("%(path)s is a mount point and cannot be replaced: restore beside it")
LINK = gettext_noop("%(path)s is a link now: what it points at would stay as it is")
REPLACED = gettext_noop("%(path)s will be replaced and kept: what was written after the backup stays in the kept one")
LED = gettext_noop("A link on the way to %(path)s is not root's: this worker is root and does not follow it")
ABSENT = gettext_noop("%(path)s is not there now and will be")
FREE = gettext_noop("The folder %(path)s will be made")
TAKEN = gettext_noop("%(path)s is there already: choose another folder")
RELATIVE = gettext_noop("“%(path)s” is not an absolute path without “..”")
ROOM = gettext_noop("The disk of %(folder)s has room: %(free_mb)d MB free, %(needed_mb)d MB needed")
NO_ROOM = gettext_noop("The disk of %(folder)s has %(free_mb)d MB free, and the files need %(needed_mb)d MB")
OWNERS = gettext_noop("This worker is not root: owners other than its own are not given back")


def judge_files(backup: BackupView, *, mode: RestoreMode, folder: str, other_moment: bool) -> Iterator[Finding]:
    """Every question with its answer.

    Args:
        folder: where they go beside what runs.
        other_moment: the database goes back to another moment than the backup's own.
    """
    taken = backup.files
    if taken is None:
        yield finding("files", NO, NONE)
        return
    roots = roots_of(backup)
    yield finding("files", OK, HOLDS, files=taken["files"], paths=", ".join(map(str, roots)))
    if taken["left_count"] or taken["changed_count"]:
        some = ", ".join([path for path, _why in taken["left"][:3]] + taken["changed"][:3])
        left, changed = taken["left_count"], taken["changed_count"]
        yield finding("files_whole", UNKNOWN, NOT_WHOLE, left=left, changed=changed, some=some)
    if other_moment:
        at = f"{backup.snapshot_at or backup.started_at:%Y-%m-%d %H:%M:%S} UTC"
        yield finding("files_moment", UNKNOWN, THEN, at=at)
    sizes = [root["bytes"] for root in taken["roots"]]
    if mode is RestoreMode.SWAP:
        yield from _in_place(roots, sizes)
    else:
        yield from _beside(Path(folder), sum(sizes))
    if os.geteuid() != 0:
        yield finding("owners", UNKNOWN, OWNERS)


def _in_place(roots: Sequence[Path], sizes: Sequence[int]) -> Iterator[Finding]:
    for path, size in zip(roots, sizes, strict=True):
        if _led(path):
            yield finding("files_name", NO, LED, path=str(path))
        elif path.is_symlink():
            yield finding("files_name", NO, LINK, path=str(path))
        elif path.is_mount():
            yield finding("files_name", NO, MOUNT, path=str(path))
        else:
            yield finding("files_name", OK, REPLACED if path.exists() else ABSENT, path=str(path))
            yield from _room(path.parent, size)


def _beside(folder: Path, size: int) -> Iterator[Finding]:
    if not folder.is_absolute() or ".." in folder.parts or len(folder.parts) < 3:
        yield finding("files_name", NO, RELATIVE, path=str(folder))
    elif _led(folder):
        yield finding("files_name", NO, LED, path=str(folder))
    elif folder.is_symlink() or folder.exists():
        yield finding("files_name", NO, TAKEN, path=str(folder))
    else:
        yield finding("files_name", OK, FREE, path=str(folder))
        yield from _room(folder.parent, size)


def _led(path: Path) -> bool:
    try:
        followed(path.parent)
    except LedElsewhere:
        return True
    return False


def _room(folder: Path, size: int) -> Iterator[Finding]:
    if not folder.is_dir():
        yield finding("files_folder", NO, NO_FOLDER, folder=str(folder))
        return
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        yield finding("files_folder", NO, NO_WRITING, folder=str(folder))
        return
    free = shutil.disk_usage(folder).free
    sizes = {"free_mb": free // 1_000_000, "needed_mb": -(-size // 1_000_000), "folder": str(folder)}
    yield finding("files_room", OK if free >= size else NO, ROOM if free >= size else NO_ROOM, **sizes)
