"""Put a folder or file in the place of another in one step, and keep what was there: beside it, for nobody else.

What is new and what is kept lies in `.bonanca-files` beside the path: on the same disk, so that a swap moves no byte,
and closed (0700), so that nobody reads there what they could not read before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import sync_folder
from bonanca.actuators.files.held import LedElsewhere, followed, held
from bonanca.durable.crashpoints import point
from bonanca.kernel.errors import Conflict, Unavailable

SIDE = ".bonanca-files"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_NOREPLACE, _EXCHANGE = 1, 2


class NotSwappable(Unavailable):
    """The system does not let the path be renamed; the message says what it said."""


class SideNotOurs(Conflict):
    """The name of the closed folder is taken by something that somebody else controls."""


class SomethingThere(Conflict):
    """The name is taken."""


Ident = tuple[int, int]


def side_of(path: Path) -> Path:
    """The closed folder beside a path, made when it is not there.

    Raises:
        SideNotOurs: somebody else may change what is in it, or it is a link.
        LedElsewhere: where we are root, a link of somebody else's lies on the way to it.
    """
    followed(path.parent)
    folder = path.parent / SIDE
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
        raise SideNotOurs(
            _("%(path)s is there, and is not a closed folder of this worker's user.") % {"path": folder},
            hint=_("See who made it and what is in it, then remove it; it is made anew."),
        )
    return folder


def ident(path: Path) -> Ident | None:
    """What lies there, whatever its name: it moves with it. None: nothing. A link is itself."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def swap_in(target: Path, incoming: Path, kept: Path, *, new: Ident) -> bool:
    """Have `incoming` (which is `new`) at `target`, and what was there at `kept`; whether there was something.

    What is new takes the name `kept` first and changes places from there: at no moment does what was there lie under a
    name that may be cleared away. Asked again after a crash it goes on where it was.

    Raises:
        NotSwappable: what was there is where it was; what is new is at `incoming`, or at `kept`.
        SomethingThere: `kept` is taken.
    """
    if ident(target) != new:
        if ident(kept) != new:
            if ident(incoming) != new:
                raise NotSwappable(_("%(path)s: what was restored is gone.") % {"path": incoming})
            _rename(incoming, kept, _NOREPLACE)
        point("files.swap_in.named")
        _change_places(target, incoming, kept)
        point("files.swap_in.swapped")
    elif ident(incoming) is not None:
        _rename(incoming, kept, _NOREPLACE)  # an earlier release died after it had exchanged the two
    sync_folder(target.parent)
    if kept.parent.is_dir():
        sync_folder(kept.parent)
    return ident(kept) is not None


def _change_places(target: Path, incoming: Path, kept: Path) -> None:
    try:
        _rename(kept, target, _NOREPLACE if ident(target) is None else _EXCHANGE)
    except (NotSwappable, SomethingThere, LedElsewhere):
        # Nothing was replaced: the name says otherwise. Where it cannot be taken back, the next attempt goes on.
        with suppress(NotSwappable, SomethingThere, LedElsewhere):
            _rename(kept, incoming, _NOREPLACE)
        raise


def put_new(target: Path, incoming: Path, *, new: Ident) -> None:
    """Give `incoming` a name that nothing has.

    Raises:
        SomethingThere, NotSwappable.
    """
    if ident(target) != new:
        _rename(incoming, target, _NOREPLACE)
    sync_folder(target.parent)


def set_aside(target: Path, kept: Path, *, which: Ident) -> None:
    """Take a path away that has nothing to be replaced with."""
    if ident(target) == which:
        _rename(target, kept, _NOREPLACE)
        sync_folder(target.parent)


def give_up(path: Path) -> Path:
    """Take a kept path the name under which it could be put back; where it lies now, to be removed.

    Raises:
        SomethingThere, NotSwappable: it has its name still.
    """
    away = path.with_name(f"dropped-{path.name}")
    if ident(path) is not None:
        _rename(path, away, _NOREPLACE)
        point("files.given_up")
        sync_folder(path.parent)
    return away


def remove_tree(path: Path) -> bool:
    """Remove a folder or file of ours, links not followed; whether there was one."""
    found = ident(path)
    if found is None:
        return False
    if path.is_dir() and not path.is_symlink():
        _writable(path)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return True


def tidy_side(path: Path) -> None:
    """Remove the folder beside a path when nothing is in it any more."""
    try:
        (path.parent / SIDE).rmdir()
    except OSError:
        return


def _writable(folder: Path) -> None:
    """A folder that forbids writing to its owner cannot be emptied by him."""
    _open_up(folder.name, os.open(folder.parent, _PLACE))
    for _above, folders, _files, handle in os.fwalk(folder, follow_symlinks=False):
        for name in folders:
            _open_up(name, os.dup(handle))


def _open_up(name: str, above: int) -> None:
    """Set the mode of a folder; what has become a link meanwhile keeps its own and its target's."""
    try:
        handle = os.open(name, _PLACE | os.O_NOFOLLOW, dir_fd=above)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            return
        raise
    finally:
        os.close(above)
    try:
        Path(f"/proc/self/fd/{handle}").chmod(0o700)
    finally:
        os.close(handle)


def _rename(source: Path, target: Path, how: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        with held(followed(source.parent)) as there, held(followed(target.parent)) as here:
            names = os.fsencode(source.name), os.fsencode(target.name)
            if libc.renameat2(there.handle, names[0], here.handle, names[1], how) == 0:
                return
            code = ctypes.get_errno()
    except OSError as error:
        code = error.errno or errno.EIO
    if code == errno.EEXIST:
        raise SomethingThere(_("%(path)s is there already.") % {"path": target})
    words = {"path": target, "why": os.strerror(code)}
    hint = ""
    if code == errno.EBUSY:
        hint = _("It is a mount point: declare what lies in it instead.")
    elif code == errno.EINVAL:
        hint = _("This file system cannot exchange two names in one step: restore into another folder.")
    raise NotSwappable(_("%(path)s cannot be replaced: %(why)s") % words, hint=hint)
