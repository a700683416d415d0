"""Read a copy whole: compare its sum with what was sealed, and with the private key authenticate every chunk of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, sleep

from django.utils.translation import gettext as _

from bonanca.recovery.envelope import EnvelopeDamaged, WrongIdentity, open_envelope
from bonanca.recovery.places import Place, ReplicaMissing, ReplicaProblem
from bonanca.recovery.places.base import CHUNK


@dataclass(frozen=True)
class Expected:
    """What lies in the place when nothing happened to it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Seen:
    """What a look at the copy found; `error` empty: it is intact."""

    size: int = 0
    answered: bool = True
    authenticated: bool = False
    error: str = ""


class _Summing:
    """A source for the envelope's reader that sums everything which goes through, at no more than so many bytes/s."""

    def __init__(self, pieces: Iterator[bytes], rate: float | None, told: Callable[[int], None]) -> None:
        self._pieces, self._rate, self._told = pieces, rate, told
        self._left = b""
        self._began = monotonic()
        self.summed = hashlib.sha256()
        self.size = 0

    def read(self, size: int = CHUNK, /) -> bytes:
        if not self._left:
            self._left = next(self._pieces, b"")
            self.summed.update(self._left)
            self.size += len(self._left)
            self._told(self.size)
            if self._rate:
                sleep(max(0.0, self.size / self._rate - (monotonic() - self._began)))
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def drain(self) -> None:
        while self.read():
            pass


class _Nowhere:
    def write(self, data: bytes, /) -> int:
        return len(data)


def look(
    place: Place,
    expected: Expected,
    *,
    identities: Sequence[str] = (),
    rate: float | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> Seen:
    """Read a copy and say whether it is what was written. Nothing opened touches the disk.

    Args:
        identities: private keys; none, or none that fits: only the sum is compared.
        rate: bytes a second, at most.
        told: hears the bytes that were read.
    """
    source = _Summing(place.read(expected.name), rate, told)
    damage, authenticated = "", False
    try:
        if identities:
            try:
                open_envelope(source, _Nowhere(), identities=identities)
                authenticated = True
            except WrongIdentity:
                authenticated = False
            except EnvelopeDamaged as found:
                damage = found.message
        source.drain()
    except ReplicaProblem as problem:
        return Seen(source.size, isinstance(problem, ReplicaMissing), False, problem.message)
    if damage or (source.size, source.summed.hexdigest()) != (expected.size, expected.sha256):
        return Seen(source.size, error=_damage(place.place, expected, source, damage))
    return Seen(source.size, authenticated=authenticated)


def _damage(place: str, expected: Expected, source: _Summing, damage: str) -> str:
    told = _("%(place)s: %(name)s is damaged: %(size)d bytes, SHA-256 %(sum)s…; written were %(wanted)d, %(ours)s…") % {
        "place": place,
        "name": expected.name,
        "size": source.size,
        "sum": source.summed.hexdigest()[:12],
        "wanted": expected.size,
        "ours": expected.sha256[:12],
    }
    return f"{told} {damage}".strip()
