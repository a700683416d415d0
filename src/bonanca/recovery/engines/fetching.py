"""Sealed objects back from their places: from the first that gives what was written, whatever became of the others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bonanca.kernel.errors import BonancaError, Unavailable
from bonanca.recovery.engines.base import Evidence, Finding, Say
from bonanca.recovery.envelope import WrongIdentity, opens, read_header
from bonanca.recovery.replicas import Fetched, Replica, ReplicaMissing, ReplicaProblem
from bonanca.recovery.sealing import DiskFull, disk_full_named
from bonanca.recovery.views import BackupView


class NoReplicaIntact(Unavailable):
    """No place gave the backup back as it was written. `lost`: every place answered, and none has it any more."""

    lost = False


class SealedObject(Protocol):
    """What was written to the places: its name, size in bytes and SHA-256 in hex."""

    @property
    def object_name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...


def fetch_intact(wanted: SealedObject, places: Sequence[str], target: Path, *, evidence: Evidence, say: Say) -> Path:
    """Fetch an object from the first place that has it as it was written, into `target`.

    Raises:
        NoReplicaIntact: with what is wrong with each. DiskFull: `target` cannot be written.
    """
    before = len(evidence.replicas)
    for place in places:
        say(None, _("reading %(place)s") % {"place": place})
        if read_back(place, wanted, target, evidence):
            return target
    seen = evidence.replicas[before:]
    none = NoReplicaIntact(
        _("No place holds the backup as it was written. %(problems)s")
        % {"problems": "; ".join(found["error"] for found in seen)}
    )
    none.lost = all(found["answered"] for found in seen)
    raise none


def read_back(place: str, wanted: SealedObject, target: Path | None, evidence: Evidence) -> bool:
    """Read one place's object whole, compare it, note what was seen; whether it is as it was written."""
    began = monotonic()
    error, answered = "", True
    try:
        with disk_full_named(target or Path("/dev/null")):
            fetched = Replica(place).fetch(wanted.object_name, target)
    except ReplicaProblem as problem:
        error, answered = problem.message, isinstance(problem, ReplicaMissing)
    else:
        if fetched != Fetched(wanted.size_bytes, wanted.sha256):
            error = _damage(place, wanted, fetched)
    seconds = round(monotonic() - began, 3)
    evidence.replicas.append(
        {"place": place, "ok": not error, "answered": answered, "error": error, "seconds": seconds}
    )
    return not error


def _damage(place: str, wanted: SealedObject, fetched: Fetched) -> str:
    return _("%(place)s: %(name)s is damaged: %(size)d bytes, SHA-256 %(sum)s…; written were %(wanted)d, %(ours)s…") % {
        "place": place,
        "name": wanted.object_name,
        "size": fetched.size,
        "sum": fetched.sha256[:12],
        "wanted": wanted.size_bytes,
        "ours": wanted.sha256[:12],
    }


def look_at_places(wanted: SealedObject, places: Sequence[str], identities: Sequence[str]) -> list[Finding]:
    """Which places have the object, and whether one of the private keys opens it; only its beginning is read."""
    findings, good = [], []
    for place in places:
        facts: dict[str, Any] = {"place": place, "object": wanted.object_name}
        try:
            size = Replica(place).size_of(wanted.object_name)
        except ReplicaProblem as error:
            facts["reason"] = error.message
            findings.append(Finding(True, "missing_replica", "%(reason)s", facts, warning=True))
            continue
        if size != wanted.size_bytes:
            facts |= {"size": size, "wanted": wanted.size_bytes}
            text = gettext_noop("%(place)s: %(object)s has %(size)d bytes; %(wanted)d were written")
            findings.append(Finding(True, "missing_replica", text, facts, warning=True))
            continue
        good.append(place)
    if not good:
        return [
            *findings,
            Finding(
                False,
                "no_replica",
                gettext_noop("No place has the backup %(object)s."),
                {"object": wanted.object_name},
                gettext_noop("Bring one of the places back, or choose another backup."),
            ),
        ]
    told = Finding(
        True,
        "replicas",
        gettext_noop("The backup is in %(good)d of %(all)d places"),
        {"good": len(good), "all": len(places)},
    )
    return [*findings, told, _key(good[0], wanted, identities)]


def _key(place: str, wanted: SealedObject, identities: Sequence[str]) -> Finding:
    facts = {"object": wanted.object_name, "place": place}
    try:
        opens(read_header(_Head(Replica(place), wanted.object_name)), identities)
    except WrongIdentity:
        text = gettext_noop("None of the given private keys opens the backup %(object)s.")
        hint = gettext_noop("Give the key whose public half was declared when it was taken, with --identity-file.")
        return Finding(False, "wrong_key", text, facts, hint)
    except BonancaError as error:
        text = gettext_noop("%(place)s: the backup %(object)s cannot be opened: %(reason)s")
        return Finding(
            False, "damaged", text, facts | {"reason": error.message}, gettext_noop("Choose another backup.")
        )
    return Finding(True, "key", gettext_noop("The private key opens the backup"))


class _Head:
    """The beginning of an object as a file; no more of it is fetched than is read."""

    def __init__(self, replica: Replica, name: str) -> None:
        self._pieces = replica.read(name)
        self._left = b""

    def read(self, size: int = -1, /) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        given, self._left = self._left[:size], self._left[size:]
        return given


def room_for(folder: Path, needed: int) -> Finding:
    """Whether the disk of `folder` has `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    facts = {"needed": needed / 1e6, "free": free / 1e6, "folder": str(folder)}
    if free < needed:
        return Finding(
            False,
            "scratch_disk_full",
            gettext_noop("The restore needs %(needed).0f MB on the disk of %(folder)s and %(free).0f MB are free."),
            facts,
            "Free space there, or put BONANCA_HOME on a larger disk.",
        )
    return Finding(
        True, "scratch_disk", gettext_noop("%(folder)s has %(free).0f MB free, %(needed).0f are needed"), facts
    )


def require_room(folder: Path, needed: int) -> None:
    """Raises DiskFull when the disk of `folder` has not `needed` bytes free."""
    found = room_for(folder, needed)
    if not found.passed:
        raise DiskFull(found.words, hint=found.advice)


@contextmanager
def timed(evidence: Evidence, phase: str) -> Iterator[None]:
    """Note the seconds of the block under the phase's name."""
    began = monotonic()
    try:
        yield
    finally:
        evidence.seconds[phase] = round(monotonic() - began, 3)


def places_of(backup: BackupView) -> list[str]:
    """Where a backup was to be stored, in the declared order."""
    return [replica.place for replica in backup.replicas]
