"""Read and write in a folder that somebody else owns, without ever being led out of it.

Whoever owns a folder can put a link in the place of any name in it, at any moment. So the folder is opened once, every
name is used relative to it and links are not followed; a link on the way to it counts only where root made it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.kernel.errors import Conflict

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# One may pass through folders that one may not list.
_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LINKS_MOST = 20


class LedElsewhere(Conflict):
    """A name is a link, or something else that a file of this folder is not."""


@dataclass(frozen=True)
class Held:
    """A file's bytes, permission bits and owner."""

    data: bytes
    mode: int
    uid: int
    gid: int


class HeldFolder:
    """A folder that is open; `path` is for words only."""

    def __init__(self, handle: int, path: Path) -> None:
        self.handle, self.path = handle, path
        facts = os.fstat(handle)
        self.uid, self.gid = facts.st_uid, facts.st_gid

    def read(self, name: str) -> Held | None:
        """A file of the folder; None where there is none.

        Raises:
            LedElsewhere: it is a link, no file, or a second name of somebody else's file. OSError.
        """
        try:
            handle = os.open(name, _READ, dir_fd=self.handle)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _elsewhere(self.path / name) from error
            raise
        facts = os.fstat(handle)
        strange = facts.st_nlink > 1 and facts.st_uid != self.uid
        if strange or not stat.S_ISREG(facts.st_mode):
            os.close(handle)
            raise _elsewhere(self.path / name)
        with os.fdopen(handle, "rb") as file:
            return Held(file.read(), stat.S_IMODE(facts.st_mode) & 0o777, facts.st_uid, facts.st_gid)

    def write(self, name: str, data: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
        """Put `data` at a name in one step and make it durable; it belongs to `owner`, else to the folder's.

        -1 in `owner` leaves it to the system whose a new file is.

        Raises:
            LedElsewhere: there is something of that name that is no file; nothing was written. OSError.
        """
        self.refuse_others(name)
        partial = f".{name}.{secrets.token_hex(8)}.partial"
        handle = os.open(partial, _NEW, 0o600, dir_fd=self.handle)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                if os.geteuid() == 0:
                    os.fchown(handle, *(owner or (self.uid, self.gid)))
                os.fchmod(handle, mode)
                os.fsync(handle)
            self.refuse_others(name)
            os.rename(partial, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(partial, dir_fd=self.handle)
            raise
        os.fsync(self.handle)

    def has(self, name: str) -> bool:
        """Whether anything has the name, a link that leads nowhere too."""
        return self.facts(name) is not None

    def remove(self, name: str) -> None:
        """Remove a file durably; one that is already gone is fine."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.handle)
        self.sync()

    def make_folder(self, name: str, *, uid: int, gid: int) -> None:
        """Make a closed folder that belongs to somebody.

        Raises:
            LedElsewhere: something else was put in its place meanwhile. OSError.
        """
        os.mkdir(name, 0o700, dir_fd=self.handle)
        with held_in(self, name) as made, os.scandir(made.handle) as inside:
            if made.uid != os.geteuid() or any(inside):
                raise _elsewhere(made.path)
            if os.geteuid() == 0:
                os.fchown(made.handle, uid, gid)

    def rename(self, name: str, to: str) -> None:
        """Give what has one name another."""
        os.rename(name, to, src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it; no link is followed."""
        shutil.rmtree(name, dir_fd=self.handle)

    def sync(self) -> None:
        """Make renames in the folder survive a power cut."""
        os.fsync(self.handle)

    def facts(self, name: str) -> os.stat_result | None:
        """What has the name, not what it leads to; None: nothing has."""
        try:
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def refuse_others(self, name: str) -> None:
        """Raises LedElsewhere when there is something of that name that is no file."""
        facts = self.facts(name)
        if facts is not None and not stat.S_ISREG(facts.st_mode):
            raise _elsewhere(self.path / name)


@contextmanager
def held(path: Path) -> Iterator[HeldFolder]:
    """Open a folder by its absolute path.

    Raises:
        LedElsewhere: it is a link, or somebody's link lies on the way to it. OSError: it is not there, or no folder.
    """
    handle = _walked(path.parent)
    try:
        with held_in(HeldFolder(handle, path.parent), path.name or ".") as found:
            yield found
    finally:
        os.close(handle)


@contextmanager
def held_in(folder: HeldFolder, name: str) -> Iterator[HeldFolder]:
    """Open a folder in a folder. Raises as `held`."""
    handle = _opened(folder.handle, name, folder.path / name)
    try:
        yield HeldFolder(handle, folder.path / name)
    finally:
        os.close(handle)


def followed(path: Path) -> Path:
    """Where a path leads, absolute and without links; what is not there yet stands for itself.

    Where we are root only root's links count: anybody may put one in the place of a file in a folder of theirs.

    Raises:
        LedElsewhere: somebody else's link is in it.
    """
    if os.geteuid() != 0:
        return path.resolve()
    todo, at, links = list(reversed(path.absolute().parts[1:])), Path("/"), 0
    while todo:
        name = todo.pop()
        here = at.parent if name == ".." else at / name
        try:
            facts = here.lstat()
        except (FileNotFoundError, NotADirectoryError):
            at = here
            continue
        if not stat.S_ISLNK(facts.st_mode):
            at = here
            continue
        links += 1
        if links > _LINKS_MOST or facts.st_uid != 0:
            raise _elsewhere(here)
        target = here.readlink()
        todo += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        at = Path("/") if target.is_absolute() else at
    return at


def open_way(folder: Path) -> int:
    """Open a folder to use names in it (O_PATH), having followed links by the rule of `followed`, and none since.

    Raises:
        LedElsewhere, OSError.
    """
    return _walked(followed(folder))


def read_followed(path: Path) -> Held | None:
    """A file and where it leads, by the rule of `followed`; None where there is none.

    Raises:
        LedElsewhere, OSError.
    """
    target = followed(path)
    try:
        handle = open_way(target.parent)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return HeldFolder(handle, target.parent).read(target.name)
    finally:
        os.close(handle)


def read_ours(path: Path) -> bytes | None:
    """A file that we have written and are going to believe; None where there is none.

    Raises:
        LedElsewhere: it is somebody else's. OSError.
    """
    found = read_followed(path)
    if found is not None and found.uid not in (0, os.geteuid()):
        raise _elsewhere(path)
    return None if found is None else found.data


def _opened(above: int, name: str, path: Path, *, how: int = _FOLDER) -> int:
    try:
        return os.open(name, how, dir_fd=above)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(above, name):
            raise _elsewhere(path) from error
        raise


def _is_link(above: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


def _walked(path: Path) -> int:
    """Open a folder step by step; links of root's, or of our own, are followed."""
    todo, links = list(reversed(path.parts[1:])), 0
    handle, at = os.open("/", _WAY), Path("/")
    try:
        while todo:
            name = todo.pop()
            if name != ".." and _is_link(handle, name):
                links += 1
                facts = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if links > _LINKS_MOST or facts.st_uid not in (0, os.geteuid()):
                    raise _elsewhere(at / name)
                target = Path(os.readlink(name, dir_fd=handle))
                todo += reversed(target.parts[1:] if target.is_absolute() else target.parts)
                if not target.is_absolute():
                    continue
                inner, at = os.open("/", _WAY), Path("/")
            else:
                inner, at = _opened(handle, name, at / name, how=_WAY), at / name
            os.close(handle)
            handle = inner
    except BaseException:
        os.close(handle)
        raise
    return handle


def _elsewhere(path: Path) -> LedElsewhere:
    return LedElsewhere(
        _("%(path)s is a link, or no file or folder of its own: it is not touched.") % {"path": path},
        hint=_("Put the file or folder itself there; links are followed only where root made them on the way to it."),
    )
