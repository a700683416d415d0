"""Read folders and files as they are: every entry once, no link followed, what cannot be read named.

Everything below a declared path is opened relative to its folder and without following links (where we are root: on
the way to it only root's), so that nobody who may
write there can lead the reader out of the tree, not even while it reads.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.actuators.files.held import open_way
from bonanca.actuators.files.tree_swap import SIDE
from bonanca.kernel.errors import Invalid

Kind = Literal["file", "folder", "link"]
DEPTH = 200

SOCKET = gettext_noop("a socket")
PIPE = gettext_noop("a pipe")
DEVICE = gettext_noop("a device")
UNREADABLE = gettext_noop("it may not be read")
GONE = gettext_noop("it went away while the backup was taken")
TOO_DEEP = gettext_noop("it lies too deep")
OURS = gettext_noop("it belongs to the backups themselves")
FAILED = gettext_noop("the disk did not give it")


class PathUnusable(Invalid):
    """A declared path is not there, is a link, or is neither a folder nor a file."""


@dataclass(frozen=True)
class Entry:
    """One folder, file or link: `path` is relative to the declared path ("" is that itself), as text of the system.

    `handle` of a file is open for reading until the next entry is asked for. `size` is 0 for folders and links.
    """

    root: int
    path: str
    kind: Kind
    stat: os.stat_result
    target: str = ""
    handle: int = -1


@dataclass
class Left:
    """What was left out: (path, why), and how many there were; a long list is cut."""

    most: int = 200
    count: int = 0
    shown: list[tuple[str, str]] = field(default_factory=list)

    def add(self, path: str, why: str) -> None:
        """Note one."""
        self.count += 1
        if len(self.shown) < self.most:
            self.shown.append((path, why))


def walk(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    skip: Collection[tuple[int, int]] = (),
    left: Left,
    read: bool = True,
) -> Iterator[Entry]:
    """Every entry below the declared paths, a folder before what is in it, names in order.

    Args:
        exclude: patterns; one without a slash is compared with every name, others with the path below the declared one.
        skip: (device, inode) of folders and files that are never entered.
        left: takes what could not be read.
        read: open files; False: only look.

    Raises:
        PathUnusable: a declared path is missing, or nothing that can be taken. PermissionError names it.
    """
    for number, path in enumerate(paths):
        yield from _Walk(number, path, exclude, skip, left, read).entries()


@dataclass(frozen=True)
class _Walk:
    root: int
    top: Path
    exclude: Sequence[str]
    skip: Collection[tuple[int, int]]
    left: Left
    read: bool

    def entries(self) -> Iterator[Entry]:
        try:
            parent = open_way(self.top.parent)
        except FileNotFoundError:
            raise PathUnusable(_("%(path)s: there is no such file or folder.") % {"path": self.top}) from None
        except NotADirectoryError:
            raise PathUnusable(_("%(path)s: one of its folders is a file.") % {"path": self.top}) from None
        try:
            found = self._judged(parent)
            yield from self._one(parent, self.top.name, "", found, 0)
        finally:
            os.close(parent)

    def _judged(self, parent: int) -> os.stat_result:
        try:
            found = os.stat(self.top.name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            raise PathUnusable(_("%(path)s: there is no such file or folder.") % {"path": self.top}) from None
        if stat.S_ISLNK(found.st_mode):
            raise PathUnusable(
                _("%(path)s is a link.") % {"path": self.top},
                hint=_("Declare what it points at: %(path)s") % {"path": self.top.resolve()},
            )
        if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
            raise PathUnusable(_("%(path)s is neither a folder nor a file.") % {"path": self.top})
        if (found.st_dev, found.st_ino) in self.skip:
            raise PathUnusable(_("%(path)s belongs to the backups themselves.") % {"path": self.top})
        return found

    def _one(self, folder: int, name: str, path: str, found: os.stat_result, depth: int) -> Iterator[Entry]:
        mode = found.st_mode
        if (found.st_dev, found.st_ino) in self.skip:
            self._leave(path, OURS)
        elif stat.S_ISLNK(mode):
            try:
                yield Entry(self.root, path, "link", found, os.readlink(name, dir_fd=folder))
            except OSError as problem:
                self._leave(path, _why(problem))
        elif stat.S_ISDIR(mode):
            yield from self._folder(folder, name, path, found, depth)
        elif stat.S_ISREG(mode):
            yield from self._file(folder, name, path, found)
        else:
            self._leave(path, SOCKET if stat.S_ISSOCK(mode) else PIPE if stat.S_ISFIFO(mode) else DEVICE)

    def _folder(self, folder: int, name: str, path: str, found: os.stat_result, depth: int) -> Iterator[Entry]:
        if depth >= DEPTH:
            self._leave(path, TOO_DEEP)
            return
        try:
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as problem:
            self._leave(path, _why(problem))
            return
        try:
            yield Entry(self.root, path, "folder", os.fstat(handle))
            with os.scandir(handle) as listing:
                names = sorted(entry.name for entry in listing)
            for inner in names:
                below = f"{path}/{inner}" if path else inner
                if inner == SIDE or self._excluded(inner, below):
                    continue  # what restores have kept is not what the service has
                try:
                    of = os.stat(inner, dir_fd=handle, follow_symlinks=False)
                except OSError as problem:
                    self._leave(below, _why(problem))
                    continue
                yield from self._one(handle, inner, below, of, depth + 1)
        except PermissionError as problem:
            self._leave(path, _why(problem))
        finally:
            os.close(handle)

    def _file(self, folder: int, name: str, path: str, found: os.stat_result) -> Iterator[Entry]:
        if not self.read:
            if not os.access(name, os.R_OK, dir_fd=folder, effective_ids=True, follow_symlinks=False):
                self._leave(path, UNREADABLE)
                return
            yield Entry(self.root, path, "file", found)
            return
        try:
            # Not blocking: what was a file a moment ago may be a pipe now.
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError as problem:
            self._leave(path, _why(problem))
            return
        try:
            opened = os.fstat(handle)
            if not stat.S_ISREG(opened.st_mode):
                self._leave(path, GONE)
                return
            yield Entry(self.root, path, "file", opened, handle=handle)
        finally:
            os.close(handle)

    def _excluded(self, name: str, path: str) -> bool:
        return any(fnmatchcase(path if "/" in pattern else name, pattern.strip("/")) for pattern in self.exclude)

    def _leave(self, path: str, why: str) -> None:
        self.left.add(shown(str(self.top / path) if path else str(self.top)), why)


def shown(path: str) -> str:
    """The path as text that every store takes: bytes that are no UTF-8 are written as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def identity(path: Path) -> tuple[int, int] | None:
    """(device, inode) of a file or folder; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _why(problem: OSError) -> str:
    if isinstance(problem, PermissionError):
        return UNREADABLE
    if problem.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
        return GONE
    return FAILED
