"""What every place is to the rest of the house, and how it says that it cannot."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils.translation import gettext as _

from bonanca.kernel.errors import Invalid, Unavailable

CHUNK = 4 * 1024 * 1024
# What an unfinished upload is called beside its object, where the place has no uploads of its own.
PART = ".part"
Told = Callable[[int], None]


class ReplicaProblem(Unavailable):
    """A place cannot be written or read; the message names it and says why."""


class ReplicaMissing(ReplicaProblem):
    """The place answers, and the object is not there."""


class ReplicaLocked(ReplicaProblem):
    """The place refuses to remove the object before its time."""


class SourceChanged(ReplicaProblem):
    """The bytes to be stored are not those that were sealed; nothing wrong was stored."""


class PlaceInvalid(Invalid):
    """This is neither a directory nor a kind of place that we know, or an option of it is missing."""


@dataclass(frozen=True)
class Fetched:
    """What was read back: bytes and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Parcel:
    """What is to be stored: a file, its name in the place, its bytes and SHA-256, until when nobody may remove it."""

    source: Path
    name: str
    size: int
    sha256: str
    lock_until: datetime | None = None


class Place(ABC):
    """One place. Its methods block; a subclass says how it is spoken to.

    Whatever goes wrong on the way is a `ReplicaProblem` in one line that begins with the place's name.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    @abstractmethod
    def store(self, parcel: Parcel, told: Told = lambda done: None) -> int:
        """Bring a file to the place, going on where an interrupted attempt ended; nobody sees it before it is whole.

        Args:
            told: hears the bytes that are there; what it raises ends the upload, and what is there stays for the next.

        Returns:
            The bytes that are there afterwards, all of them compared with the parcel's SHA-256 on the way.

        Raises:
            ReplicaProblem, SourceChanged.
        """

    @abstractmethod
    def read(self, name: str) -> Iterator[bytes]:
        """The object's bytes in pieces.

        Raises:
            ReplicaMissing: it is not there. ReplicaProblem: it is unreadable, or the place does not answer.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove an object, and what an interrupted upload of it left; nothing there is fine.

        Raises:
            ReplicaLocked: not before its time. ReplicaProblem: the place does not answer.
        """

    def local_file(self, name: str) -> Path | None:
        """The object as a file of this machine, where it is one."""
        return None

    def fetch(self, name: str, target: Path | None = None, told: Told = lambda done: None) -> Fetched:
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
                told(size)
        return Fetched(size, summed.hexdigest())

    def problem(self, error: BaseException) -> ReplicaProblem:
        """The error in one line, with the place's name."""
        # Some libraries append whole debugging sections; the first line says it.
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        lines = str(said).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        return ReplicaProblem(_("%(place)s: %(reason)s") % {"place": self.place, "reason": reason})

    def missing(self, name: str) -> ReplicaMissing:
        """The refusal to read what is not there."""
        return ReplicaMissing(_("%(place)s: there is no %(name)s") % {"place": self.place, "name": name})

    def changed(self, parcel: Parcel) -> SourceChanged:
        """The refusal to store what is not what was sealed."""
        return SourceChanged(
            _("%(place)s: what was to be stored as %(name)s is not what was sealed")
            % {"place": self.place, "name": parcel.name}
        )


def refuse_private(place: str, host: str, port: int) -> None:
    """Refuse to connect to loopback, link-local and private addresses, where nobody declared that this is meant.

    Raises:
        PlaceInvalid: the host is one. ReplicaProblem: its name is not known.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ReplicaProblem(_("%(place)s: %(reason)s") % {"place": place, "reason": error.strerror}) from error
    for *_rest, address in found:
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            raise PlaceInvalid(
                _("%(place)s: %(host)s is an address of a private network.") % {"place": place, "host": host},
                field="backup.replicas",
                hint=_("Declare `allow_private: true` for this place if that is meant."),
            )


def sftp_needs(place: str) -> PlaceInvalid:
    """The refusal of a place of SFTP whose declaration does not suffice."""
    return PlaceInvalid(
        _("%(place)s: a place of SFTP needs a user in its address, `key_file` and `known_hosts`.") % {"place": place},
        field="backup.replicas",
    )
