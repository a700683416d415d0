"""Members of a bundle, written and read one after the other: nothing is held in memory, nothing is sought."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import zstandard
from django.utils.translation import gettext as _

from bonanca.recovery.envelope import EnvelopeDamaged, opened_chunks, read_header
from bonanca.recovery.plaintext import reading

# As for physical backups: 1 is five times as fast as 9 and a fifth larger.
LEVEL = 1
FORMAT = "tar, zstd"
_PART_BYTES = 8 * 1024 * 1024
_BLOCK = 256 * 1024


class BundleWriter:
    """Write members into `write`; `finish` ends the tar. Memory stays small whatever the number of members."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._packer = zstandard.ZstdCompressor(level=LEVEL, threads=2).compressobj()
        self._write = write
        self._tar = tarfile.open(  # noqa: SIM115 - `finish` ends it; after an error nobody reads what was written
            fileobj=cast("IO[bytes]", _Sink(self._pack)), mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK
        )

    def add(self, member: tarfile.TarInfo, source: IO[bytes] | None = None) -> None:
        """Write one member; `source` gives exactly `member.size` bytes."""
        self._tar.addfile(member, source)
        self._tar.members.clear()  # type: ignore[attr-defined] # it would grow with every member

    def add_bytes(self, name: str, data: bytes) -> None:
        """Write a member of our own."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self.add(member, io.BytesIO(data))

    def finish(self) -> None:
        """End the tar and the compression."""
        self._tar.close()
        self._write(self._packer.flush())

    def _pack(self, data: bytes) -> None:
        packed = self._packer.compress(data)
        if packed:
            self._write(packed)


class Parts:
    """A stream of unknown length as members `NAME/000000`, `NAME/000001`, …: `cat NAME/*` is the stream again."""

    def __init__(self, bundle: BundleWriter, name: str) -> None:
        self._bundle, self._name, self._count = bundle, name, 0
        self._pending = bytearray()

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self._pending += data
        while len(self._pending) >= _PART_BYTES:
            self._flush(_PART_BYTES)

    def finish(self) -> None:
        """Write what is left."""
        if self._pending:
            self._flush(len(self._pending))

    def _flush(self, size: int) -> None:
        self._bundle.add_bytes(f"{self._name}/{self._count:06d}", bytes(self._pending[:size]))
        del self._pending[:size]
        self._count += 1


@contextmanager
def members_of(sealed: Path, identities: tuple[str, ...]) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    """The authenticated members of a sealed bundle, in their order; of several tars end to end, one after the other.

    Read to the end, every byte of the envelope has been authenticated. What is damaged is named: the member in which,
    or before which, the reading ended.

    Raises:
        EnvelopeDamaged, WrongIdentity.
    """
    with sealed.open("rb") as source:
        plain = reading(opened_chunks(source, read_header(source), identities=identities))
        unpacked = zstandard.ZstdDecompressor().stream_reader(plain, read_across_frames=True)
        yield each_member(cast("IO[bytes]", unpacked))


def each_member(unpacked: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The members of a tar that is read as a stream, up to the end of the stream.

    Raises:
        EnvelopeDamaged: with the member; also when what is authentic is no tar.
    """
    name = ""
    try:
        with tarfile.open(fileobj=unpacked, mode="r|", bufsize=_BLOCK, ignore_zeros=True) as tar:
            while (member := tar.next()) is not None:
                name = member.name
                content = tar.extractfile(member) if member.isreg() else None
                yield member, cast("IO[bytes]", _Content(name, content or io.BytesIO()))
                tar.members.clear()  # type: ignore[attr-defined] # it would grow with every member
        while unpacked.read(_BLOCK):
            pass  # to the end, so that the last chunk has been authenticated
    except EnvelopeDamaged as problem:
        raise _in_member(name, problem.message) from problem
    except (tarfile.TarError, zstandard.ZstdError) as problem:
        raise _in_member(name, str(problem)) from problem


def _in_member(name: str, why: str) -> EnvelopeDamaged:
    if not name:
        return EnvelopeDamaged(why)
    return EnvelopeDamaged(_("%(why)s It was found in or after “%(name)s”.") % {"why": why, "name": name})


class _Content:
    """What is in a member; damage that is met while it is read is named by it."""

    def __init__(self, name: str, inner: IO[bytes]) -> None:
        self._name, self._inner = name, inner

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        try:
            return self._inner.read(size)
        except EnvelopeDamaged as problem:
            raise _in_member(self._name, problem.message) from problem
        except (tarfile.TarError, zstandard.ZstdError) as problem:
            raise _in_member(self._name, str(problem)) from problem


class _Sink:
    """What tarfile writes into."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(bytes(data))
        return len(data)
