"""A directory of this machine, or one that is mounted into it."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _

from bonanca.actuators.files.atomic import sync_folder
from bonanca.recovery.places.base import CHUNK, PART, Parcel, Place, Told


class Folder(Place):
    """Objects are files below the directory; an unfinished one is called `.part` until it is whole and synced."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.root = folder_of(place)

    def store(self, parcel: Parcel, told: Told = lambda done: None) -> int:
        final = self._path(parcel.name)
        part = final.with_name(final.name + PART)
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            final.parent.mkdir(parents=True, exist_ok=True)
            with parcel.source.open("rb") as source, part.open("r+b" if part.exists() else "x+b") as out:
                size = self._fill(parcel, source, out, told)
                _sync(out, part)
            part.replace(final)
            for folder in final.parents:
                sync_folder(folder)
                if folder == self.root:
                    break
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                # What does not fit must not keep the disk full for everybody else.
                part.unlink(missing_ok=True)
                raise self.problem(OSError(_("the disk is full"))) from error
            raise self.problem(error) from error
        return size

    def _fill(self, parcel: Parcel, source: BinaryIO, out: BinaryIO, told: Told) -> int:
        """Keep what is there and right, write the rest; the sum is of what lies in the place and what went into it."""
        Path(out.name).chmod(0o600)
        summed, done, there = hashlib.sha256(), 0, True
        while piece := source.read(CHUNK):
            if there and out.read(len(piece)) != piece:
                there = False
                out.seek(done)
                out.truncate()
            if not there:
                out.write(piece)
            summed.update(piece)
            done += len(piece)
            told(done)
        out.truncate(done)
        out.flush()
        if (done, summed.hexdigest()) != (parcel.size, parcel.sha256):
            Path(out.name).unlink(missing_ok=True)
            raise self.changed(parcel)
        return done

    def read(self, name: str) -> Iterator[bytes]:
        try:
            with self._path(name).open("rb") as file:
                while piece := file.read(CHUNK):
                    yield piece
        except FileNotFoundError as error:
            # Without the directory itself nothing is known: it may be a disk that is not mounted, or another machine's.
            raise (self.missing(name) if self.root.is_dir() else self.problem(error)) from error
        except OSError as error:
            raise self.problem(error) from error

    def remove(self, name: str) -> None:
        final = self._path(name)
        if not self.root.is_dir():
            # Not mounted, or another machine's: what is not seen is not removed.
            raise self.problem(OSError(_("the directory is not there")))
        try:
            # Besides ours, what earlier versions called an unfinished upload (`name#1`).
            for left in final.parent.glob(f"{final.name}*"):
                left.unlink(missing_ok=True)
        except OSError as error:
            raise self.problem(error) from error

    def local_file(self, name: str) -> Path | None:
        path = self._path(name)
        return path if path.is_file() else None

    def _path(self, name: str) -> Path:
        return self.root / name


def _sync(out: BinaryIO, part: Path) -> None:
    """Make it durable, or throw it away: after a failed fsync the kernel shows bytes that are not on the disk, and the
    next fsync says that all is well. What was written once must then be written anew, not compared and kept."""
    try:
        os.fsync(out.fileno())
    except OSError:
        part.unlink(missing_ok=True)
        raise


def folder_of(place: str) -> Path:
    """The directory of a path or a `file://` address."""
    return Path(unquote(urlsplit(place).path)) if place.startswith("file://") else Path(place)
