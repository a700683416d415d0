"""Write folders, files and links where nothing is yet, and nowhere else, whatever their names say.

Every name is opened relative to its folder and without following links (where we are root: on the way there only
root's); links are made when everything else is there,
so nothing can be written through one. Owners and modes come last, because a folder may forbid writing.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from bonanca.actuators.files.held import open_way
from bonanca.kernel.errors import Invalid

_PIECE = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafeName(Invalid):
    """A name that would lead out of its folder, or that is there twice: whoever wrote this, it was not a backup."""


@dataclass(frozen=True)
class Properties:
    """Mode bits (07777), owner as numbers, time of the last change in ns since 1970."""

    mode: int
    uid: int
    gid: int
    mtime_ns: int


class TreeWriter:
    """Writes below `destinations` (number of the declared path → where it goes; nothing may be there).

    Close it at the end. `owners_lost` counts entries whose owner this process may not give.
    """

    def __init__(self, destinations: Mapping[int, Path]) -> None:
        self._destinations = dict(destinations)
        self._links: list[tuple[int, list[str], str, Properties]] = []
        self._folders: list[tuple[int, list[str], Properties]] = []
        self._open: tuple[int, list[str], int] | None = None
        self.owners_lost = 0

    def folder(self, root: int, path: str, properties: Properties) -> None:
        """A folder, before what is in it."""
        names = _names(path)
        with _Parent(self, root, names) as (parent, name):
            try:
                os.mkdir(name, 0o700, dir_fd=parent)
            except FileExistsError:
                raise _twice(path) from None
        self._folders.append((root, names, properties))

    def file(self, root: int, path: str, properties: Properties, source: IO[bytes]) -> tuple[int, str]:
        """A file; returns its bytes and SHA-256 in hex."""
        summed, size = hashlib.sha256(), 0
        with _Parent(self, root, _names(path)) as (parent, name):
            try:
                handle = os.open(name, _NEW, 0o600, dir_fd=parent)
            except FileExistsError:
                raise _twice(path) from None
            try:
                while data := source.read(_PIECE):
                    os_write(handle, data)
                    summed.update(data)
                    size += len(data)
                self._own(handle, properties)
                os.utime(handle, ns=(properties.mtime_ns, properties.mtime_ns))
            finally:
                os.close(handle)
        return size, summed.hexdigest()

    def link(self, root: int, path: str, properties: Properties, target: str) -> None:
        """A link; it is made at the end, and whatever it points at is never opened."""
        self._links.append((root, _names(path), target, properties))

    def finish(self) -> None:
        """Make the links, give folders their owners, modes and times, and have it all on the disk."""
        for root, names, target, properties in self._links:
            with _Parent(self, root, names) as (parent, name):
                try:
                    os.symlink(target, name, dir_fd=parent)
                except FileExistsError:
                    raise _twice("/".join(names)) from None
                self._own_link(parent, name, properties)
                times = (properties.mtime_ns, properties.mtime_ns)
                os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
        self.close()
        for root, names, properties in reversed(self._folders):
            with _Parent(self, root, names) as (parent, name):
                handle = os.open(name, _FOLDER, dir_fd=parent)
                try:
                    self._own(handle, properties)
                    os.utime(handle, ns=(properties.mtime_ns, properties.mtime_ns))
                finally:
                    os.close(handle)
            self.close()  # its mode may forbid to look into it from now on
        for folder in {path.parent for path in self._destinations.values()}:
            sync_disk_of(folder)

    def parent_of(self, root: int, names: list[str]) -> tuple[int, str]:
        """The open folder in which a name lies, and the name there."""
        if root not in self._destinations:
            raise UnsafeName(_("The backup names a path %(number)d that it does not declare.") % {"number": root})
        top = self._destinations[root]
        if not names:
            self._keep(root, ["."], open_way(top.parent))
            return self._handle(), top.name
        above = names[:-1]
        if self._open is None or self._open[:2] != (root, above):
            handle = open_way(top.parent)
            for name in (top.name, *above):
                try:
                    inner = os.open(name, _FOLDER, dir_fd=handle)
                finally:
                    os.close(handle)
                handle = inner
            self._keep(root, above, handle)
        return self._handle(), names[-1]

    def _handle(self) -> int:
        assert self._open is not None
        return self._open[2]

    def _keep(self, root: int, names: list[str], handle: int) -> None:
        self.close()
        self._open = (root, names, handle)

    def close(self) -> None:
        """Close what is open."""
        if self._open is not None:
            os.close(self._open[2])
            self._open = None

    def _own(self, handle: int, properties: Properties) -> None:
        mode = properties.mode
        try:
            os.fchown(handle, properties.uid, properties.gid)
        except PermissionError:
            self.owners_lost += 1
            # Who runs it would no longer be who was meant.
            mode &= ~(stat.S_ISUID | stat.S_ISGID)
        os.fchmod(handle, mode)

    def _own_link(self, parent: int, name: str, properties: Properties) -> None:
        try:
            os.chown(name, properties.uid, properties.gid, dir_fd=parent, follow_symlinks=False)
        except PermissionError:
            self.owners_lost += 1


class _Parent:
    """The folder of a name; an entry whose folder was never written is refused."""

    def __init__(self, writer: TreeWriter, root: int, names: list[str]) -> None:
        self._asked = (writer, root, names)

    def __enter__(self) -> tuple[int, str]:
        writer, root, names = self._asked
        try:
            return writer.parent_of(root, names)
        except (FileNotFoundError, NotADirectoryError):
            raise UnsafeName(_("%(name)s lies in no folder of the backup.") % {"name": "/".join(names)}) from None

    def __exit__(self, *ended: object) -> None:
        return None


def os_write(handle: int, data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync_disk_of(folder: Path) -> None:
    """Have everything of the disk that holds `folder` written: one wait instead of one for each file."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(handle)


def _names(path: str) -> list[str]:
    if not path:
        return []
    names = path.split("/")
    if any(name in ("", ".", "..") or "\x00" in name for name in names):
        raise UnsafeName(_("“%(name)s” leads out of its folder: this is refused.") % {"name": path[:200]})
    return names


def _twice(path: str) -> UnsafeName:
    return UnsafeName(_("“%(name)s” is there already: nothing is ever written over.") % {"name": path[:200]})
