"""Places that hold backups: a directory, or a bucket of S3, Google or Azure, through one door (obstore).

A place is a path (`/backups/a`) or a URL (`s3://bucket/prefix`, `gs://…`, `az://account/container/…`). Credentials
come from the environment and the machine's role as their own tools read them; none is in a place's name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from django.utils.translation import gettext as _
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from bonanca.actuators.files.atomic import sync_folder
from bonanca.kernel.errors import Invalid, Unavailable

_CHUNK = 4 * 1024 * 1024
# A bucket that does not answer is a failed replica after this long, never a backup that hangs.
_CLIENT: Any = {"connect_timeout": timedelta(seconds=10), "timeout": timedelta(seconds=300)}
_RETRY: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
# obstore raises the operating system's errors for directories and its own for the rest.
PROBLEMS = (BaseError, OSError, ValueError)


class ReplicaProblem(Unavailable):
    """A place cannot be written or read; the message names it and says why."""


class ReplicaMissing(ReplicaProblem):
    """The place answers, and the object is not there."""


class PlaceInvalid(Invalid):
    """This is neither a directory nor a kind of bucket that we know."""


@dataclass(frozen=True)
class Fetched:
    """What was read back: bytes and SHA-256 in hex."""

    size: int
    sha256: str


class Replica:
    """One place."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._folder = _folder(place)

    def store(self, source: Path, name: str) -> int:
        """Copy a file to the place under `name`, in one step; returns the bytes that are there afterwards.

        Raises:
            ReplicaProblem: it is not there.
        """
        try:
            door = self._open(create=True)
            obstore.put(door, name, source)
            size = int(obstore.head(door, name)["size"])
            if self._folder is not None:
                _make_durable(self._folder / name, self._folder)
        except PROBLEMS as error:
            raise self._problem(error) from error
        if size != source.stat().st_size:
            raise self._problem(OSError(_("%(size)d bytes arrived") % {"size": size}))
        return size

    def read(self, name: str) -> Iterator[bytes]:
        """The object's bytes in pieces.

        Raises:
            ReplicaMissing: it is not there. ReplicaProblem: it is unreadable, or the place does not answer.
        """
        try:
            for piece in obstore.get(self._open(), name).stream(min_chunk_size=_CHUNK):
                yield bytes(piece)
        except FileNotFoundError as error:
            raise ReplicaMissing(_("%(place)s: there is no %(name)s") % {"place": self.place, "name": name}) from error
        except PROBLEMS as error:
            raise self._problem(error) from error

    def fetch(self, name: str, target: Path | None = None) -> Fetched:
        """Read the whole object, into `target` when it is given, and say what it was.

        Raises:
            ReplicaProblem: it is missing or unreadable. OSError: `target` cannot be written.
        """
        summed, size = hashlib.sha256(), 0
        with Path(target or os.devnull).open("wb") as out:
            for piece in self.read(name):
                out.write(piece)
                summed.update(piece)
                size += len(piece)
        return Fetched(size, summed.hexdigest())

    def remove(self, name: str) -> None:
        """Remove an object, and what an interrupted upload of it left; nothing there is fine.

        Raises:
            ReplicaProblem: the place does not answer.
        """
        try:
            if self._folder is not None:
                for left in (self._folder / name).parent.glob(f"{Path(name).name}*"):
                    left.unlink(missing_ok=True)
                return
            obstore.delete(self._open(), name)
        except FileNotFoundError:
            return
        except PROBLEMS as error:
            raise self._problem(error) from error

    def _open(self, *, create: bool = False) -> ObjectStore:
        if self._folder is not None:
            if create:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return LocalStore(self._folder)
        return from_url(self.place, client_options=_CLIENT, retry_config=_RETRY)

    def _problem(self, error: Exception) -> ReplicaProblem:
        # obstore appends a whole debugging section; its first line says it.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return ReplicaProblem(_("%(place)s: %(reason)s") % {"place": self.place, "reason": reason})


def checked_place(place: str) -> str:
    """Return the place if its kind is known.

    Raises:
        PlaceInvalid: with the kinds that are.
    """
    if _folder(place) is None and urlsplit(place).scheme not in ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss"):
        raise PlaceInvalid(
            _("%(place)s: a replica is a directory, or a URL that begins with s3://, gs:// or az://.")
            % {"place": place},
            field="backup.replicas",
        )
    return place


def _folder(place: str) -> Path | None:
    if "://" not in place:
        return Path(place)
    parts = urlsplit(place)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _make_durable(path: Path, root: Path) -> None:
    """A stored backup survives a power cut: obstore renames into place but does not fsync."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    for folder in path.parents:
        sync_folder(folder)
        if folder == root:
            return
