"""Sealing and opening the chunks of an envelope, and wrapping its key for others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from bonanca.recovery.envelope.header import (
    KEY_BYTES,
    PREFIX_BYTES,
    REWRAPPED,
    TAG_BYTES,
    EnvelopeDamaged,
    Header,
    Source,
    authentic,
    cut,
    header_bytes,
    keys,
    mac,
    read_exactly,
    read_header,
    unwrap,
    wrapped,
)

CHUNK_BYTES = 1024 * 1024


class Sink(Protocol):
    """Anything with `write(data)`."""

    def write(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True)
class Sealed:
    """An envelope that was written: its size and SHA-256 (hex), and the plaintext's size, all in bytes."""

    size: int
    sha256: str
    plain_size: int


class EnvelopeWriter:
    """Seal a stream. `write` takes plaintext, `finish` seals the last chunk; without it the envelope stays invalid.

    Args:
        sink: receives the envelope's bytes.
        recipients: age public keys ("age1…"); each of their private keys alone opens the envelope.
        label: facts that anybody may read without a key.

    Raises:
        InvalidRecipient: no recipient, or one that is not an age public key.
    """

    def __init__(
        self, sink: Sink, *, recipients: Sequence[str], label: Mapping[str, str], chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        file_key = os.urandom(KEY_BYTES)
        self._prefix = os.urandom(PREFIX_BYTES)
        self._sink = sink
        self._hash = hashlib.sha256()
        self._chunk_bytes = chunk_bytes
        self._pending = bytearray()
        self._index = 0
        self._size = 0
        self._plain = 0
        facts = {"chunk_bytes": chunk_bytes, "nonce_prefix": self._prefix.hex(), "label": dict(label)}
        raw = header_bytes(facts | wrapped(file_key, recipients))
        header_key, chunk_key = keys(file_key)
        self._aad = mac(header_key, raw)
        self._cipher = AESGCM(chunk_key)
        self._emit(raw + self._aad)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take plaintext; full chunks leave at once, except the one that may turn out to be the last."""
        self._pending += data
        self._plain += len(data)
        while len(self._pending) > self._chunk_bytes:
            self._seal(bytes(self._pending[: self._chunk_bytes]), last=False)
            del self._pending[: self._chunk_bytes]
        return len(data)

    def finish(self) -> Sealed:
        """Seal what is left as the last chunk and return the envelope's facts."""
        self._seal(bytes(self._pending), last=True)
        self._pending.clear()
        return Sealed(self._size, self._hash.hexdigest(), self._plain)

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._emit(self._cipher.encrypt(_nonce(self._prefix, self._index, last=last), plain, self._aad))
        self._index += 1

    def _emit(self, data: bytes) -> None:
        self._sink.write(data)
        self._hash.update(data)
        self._size += len(data)


def seal(source: Source, sink: Sink, *, recipients: Sequence[str], label: Mapping[str, str]) -> Sealed:
    """Seal everything `source` gives into `sink`."""
    writer = EnvelopeWriter(sink, recipients=recipients, label=label)
    while data := source.read(CHUNK_BYTES):
        writer.write(data)
    return writer.finish()


def open_envelope(source: Source, sink: Sink, *, identities: Sequence[str]) -> Header:
    """Check and decrypt an envelope; only authenticated plaintext reaches `sink`, in order.

    What was written before an error is authentic but incomplete: callers throw it away.

    Args:
        identities: age private keys ("AGE-SECRET-KEY-1…"); any one that fits will do.

    Returns:
        The authenticated header.

    Raises:
        EnvelopeDamaged: with the chunk and the byte where it fails.
        WrongIdentity: the header is readable, but no identity opens its key.
    """
    header = read_header(source)
    for plain in opened_chunks(source, header, identities=identities):
        sink.write(plain)
    return header


def opened_chunks(source: Source, header: Header, *, identities: Sequence[str]) -> Iterator[bytes]:
    """The authenticated plaintext, chunk by chunk, of an envelope whose header has just been read from `source`.

    Raises:
        EnvelopeDamaged, WrongIdentity: as `open_envelope`. Until it ended by itself, what came is incomplete.
    """
    header_key, chunk_key = keys(unwrap(header, identities))
    authentic(header, header_key)
    cipher = AESGCM(chunk_key)
    sealed_bytes = header.chunk_bytes + TAG_BYTES
    chunk, index, at = read_exactly(source, sealed_bytes), 0, header.first_chunk_at
    while True:
        following = read_exactly(source, sealed_bytes) if len(chunk) == sealed_bytes else b""
        last = not following
        yield _opened_chunk(cipher, header, chunk, index, at, last=last)
        if last:
            return
        chunk, index, at = following, index + 1, at + sealed_bytes


def rewrap(source: Source, sink: Sink, *, identities: Sequence[str], recipients: Sequence[str]) -> Sealed:
    """Write the same envelope for other recipients: a new header, and the chunks byte for byte as they are.

    Who only has a key that is no longer among `recipients` cannot open what is written. The chunks are not looked at:
    compare the sum of `source` with what was sealed.

    Returns:
        What was written; its `plain_size` is not known here and 0.

    Raises:
        EnvelopeDamaged, WrongIdentity: nothing was written. InvalidRecipient.
    """
    header = read_header(source)
    file_key = unwrap(header, identities)
    header_key, _chunk_key = keys(file_key)
    authentic(header, header_key)
    facts = {
        "chunk_bytes": header.chunk_bytes,
        "nonce_prefix": header.nonce_prefix.hex(),
        "label": dict(header.label),
        "chunk_aad": header.chunk_aad.hex(),
    }
    raw = header_bytes(facts | wrapped(file_key, recipients), REWRAPPED)
    summed, size = hashlib.sha256(), 0
    piece = raw + mac(header_key, raw)
    while piece:
        sink.write(piece)
        summed.update(piece)
        size += len(piece)
        piece = source.read(CHUNK_BYTES)
    return Sealed(size, summed.hexdigest(), 0)


def _opened_chunk(cipher: AESGCM, header: Header, chunk: bytes, index: int, at: int, *, last: bool) -> bytes:
    if len(chunk) < TAG_BYTES or (len(chunk) == TAG_BYTES and index > 0):
        raise cut(at + len(chunk), _("chunk %(index)d") % {"index": index})
    try:
        return cipher.decrypt(_nonce(header.nonce_prefix, index, last=last), chunk, header.chunk_aad)
    except InvalidTag:
        raise _why(cipher, header, chunk, index, at, last=last) from None


def _why(cipher: AESGCM, header: Header, chunk: bytes, index: int, at: int, *, last: bool) -> EnvelopeDamaged:
    """Tell a cut or a lengthened file from a damaged chunk: try the chunk under the other meaning of `last`."""
    try:
        cipher.decrypt(_nonce(header.nonce_prefix, index, last=not last), chunk, header.chunk_aad)
    except InvalidTag:
        return EnvelopeDamaged(
            _("Chunk %(index)d (bytes %(at)d to %(end)d) is damaged, missing, or not in its place.")
            % {"index": index, "at": at, "end": at + len(chunk) - 1}
        )
    if last:
        return cut(at + len(chunk), _("chunk %(index)d") % {"index": index + 1})
    return EnvelopeDamaged(
        _("There are bytes after the envelope's end, from byte %(at)d on.") % {"at": at + len(chunk)}
    )


def _nonce(prefix: bytes, index: int, *, last: bool) -> bytes:
    return prefix + index.to_bytes(4, "big") + (b"\1" if last else b"\0")
