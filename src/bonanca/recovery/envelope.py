"""The one encrypted format of everything that leaves the machine (Y8): a *Bonança envelope*, version 1 or 2.

The server that writes envelopes holds only public keys, so it cannot read the ones it wrote before. A fresh key is
drawn for each envelope, wrapped by age to the recipients, and never stored anywhere in the clear.

Byte layout (integers are big-endian; `docs/reference/backup-format.md` says the same for people)::

    offset      bytes  what
    0           8      magic: b"BONANCA\\0"
    8           2      version: 1; 2 when its key was wrapped again
    10          4      H, length of the header in bytes (at most 64 KiB)
    14          H      header: JSON object, UTF-8, with the keys
                         cipher       "AES-256-GCM-STREAM"
                         chunk_bytes  plaintext bytes of each chunk but the last
                         nonce_prefix 7 random bytes in hex
                         wrapped_key  base64 of an age file that holds the 32-byte file key
                         wrapped_sum  SHA-256 of that age file in hex: tells a damaged key from a wrong identity
                         label        what the caller wants to be readable without a key (authenticated, not secret)
                         chunk_aad    version 2 only: the HMAC of the header under which the chunks were sealed, in hex
    14+H        32     HMAC-SHA-256 of every byte before it
    46+H        …      chunks: each is chunk_bytes of AES-256-GCM ciphertext and a 16-byte tag; the last may be shorter

The file key is stretched by HKDF-SHA-256 (salt: none; info: b"bonanca envelope v1 header" / b"bonanca envelope v1
chunks") into the key of the HMAC and the key of the chunks. Chunk *i* is sealed under the nonce
``nonce_prefix ‖ i as 4 bytes ‖ last`` where ``last`` is 1 for the final chunk and 0 otherwise (the STREAM construction
of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), with the header's HMAC (in version 2: `chunk_aad`) as associated data,
so that a key can be wrapped for others without touching the chunks (`rewrap`). So a chunk that is changed,
moved, repeated, dropped, or taken from another envelope does not authenticate, and neither does a file cut at a chunk's
end: its last chunk was not sealed as a last one. The final chunk is empty only when the plaintext is.

Both directions hold two chunks in memory, whatever the size.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils.translation import gettext as _

from bonanca.kernel.errors import Invalid
from bonanca.recovery.identities import identities_of, recipients_of

MAGIC = b"BONANCA\0"
VERSION = 1
# Wrapped again: the chunks are bound to the header that they were sealed with, not to the one that is there now.
REWRAPPED = 2
CIPHER = "AES-256-GCM-STREAM"
TAG_BYTES = 16
MAC_BYTES = 32
KEY_BYTES = 32
PREFIX_BYTES = 7
FIXED_BYTES = len(MAGIC) + 2 + 4
HEADER_LIMIT = 64 * 1024
CHUNK_BYTES = 1024 * 1024
CHUNK_LIMIT = 64 * 1024 * 1024


class EnvelopeDamaged(Invalid):
    """These bytes are not what was sealed. The message names the place."""


class WrongIdentity(Invalid):
    """None of the given private keys opens this envelope."""


class Source(Protocol):
    """Anything with `read(n)` that returns b"" at its end."""

    def read(self, size: int = ..., /) -> bytes: ...


class Sink(Protocol):
    """Anything with `write(data)`."""

    def write(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True)
class Header:
    """What an envelope says about itself. Trust it only once `opened` has checked its HMAC."""

    chunk_bytes: int
    nonce_prefix: bytes
    wrapped_key: bytes
    label: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    mac: bytes = b""
    chunk_aad: bytes = b""

    @property
    def first_chunk_at(self) -> int:
        """Offset of the first chunk in bytes."""
        return len(self.raw) + MAC_BYTES


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
        raw = _header_bytes(facts | _wrapped(file_key, recipients))
        header_key, chunk_key = _keys(file_key)
        self._aad = _mac(header_key, raw)
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


def read_header(source: Source) -> Header:
    """Read an envelope's header; nothing in it is authenticated yet.

    Raises:
        EnvelopeDamaged: this is not an envelope, its version is newer than this program, or it ends in the header.
    """
    fixed = _read_exactly(source, FIXED_BYTES)
    if fixed[: len(MAGIC)] != MAGIC[: len(fixed)]:
        raise EnvelopeDamaged(_("This is not a Bonança envelope: byte 0 does not begin its magic."))
    if len(fixed) < FIXED_BYTES:
        raise _cut(len(fixed), _("the header"))
    version = int.from_bytes(fixed[8:10], "big")
    if version not in (VERSION, REWRAPPED):
        raise EnvelopeDamaged(
            _("The envelope's version (byte 8) is %(version)d and this program reads version %(known)d.")
            % {"version": version, "known": REWRAPPED}
        )
    length = int.from_bytes(fixed[10:14], "big")
    if not 2 <= length <= HEADER_LIMIT:
        raise EnvelopeDamaged(_("The header's length (byte 10) is damaged: %(length)d bytes.") % {"length": length})
    body = _read_exactly(source, length + MAC_BYTES)
    if len(body) < length + MAC_BYTES:
        raise _cut(FIXED_BYTES + len(body), _("the header"))
    return _parsed(fixed + body[:length], body[:length], body[length:])


def opens(header: Header, identities: Sequence[str]) -> None:
    """See that one of the private keys opens the envelope, and that its header is what was sealed.

    Raises:
        WrongIdentity, EnvelopeDamaged.
    """
    header_key, _chunk_key = _keys(_unwrap(header, identities))
    _authentic(header, header_key)


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
    header_key, chunk_key = _keys(_unwrap(header, identities))
    _authentic(header, header_key)
    cipher = AESGCM(chunk_key)
    sealed_bytes = header.chunk_bytes + TAG_BYTES
    chunk, index, at = _read_exactly(source, sealed_bytes), 0, header.first_chunk_at
    while True:
        following = _read_exactly(source, sealed_bytes) if len(chunk) == sealed_bytes else b""
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
    file_key = _unwrap(header, identities)
    header_key, _chunk_key = _keys(file_key)
    _authentic(header, header_key)
    facts = {
        "chunk_bytes": header.chunk_bytes,
        "nonce_prefix": header.nonce_prefix.hex(),
        "label": dict(header.label),
        "chunk_aad": header.chunk_aad.hex(),
    }
    raw = _header_bytes(facts | _wrapped(file_key, recipients), REWRAPPED)
    summed, size = hashlib.sha256(), 0
    piece = raw + _mac(header_key, raw)
    while piece:
        sink.write(piece)
        summed.update(piece)
        size += len(piece)
        piece = source.read(CHUNK_BYTES)
    return Sealed(size, summed.hexdigest(), 0)


def _opened_chunk(cipher: AESGCM, header: Header, chunk: bytes, index: int, at: int, *, last: bool) -> bytes:
    if len(chunk) < TAG_BYTES or (len(chunk) == TAG_BYTES and index > 0):
        raise _cut(at + len(chunk), _("chunk %(index)d") % {"index": index})
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
        return _cut(at + len(chunk), _("chunk %(index)d") % {"index": index + 1})
    return EnvelopeDamaged(
        _("There are bytes after the envelope's end, from byte %(at)d on.") % {"at": at + len(chunk)}
    )


def _cut(at: int, where: str) -> EnvelopeDamaged:
    return EnvelopeDamaged(_("The envelope is cut off at byte %(at)d, in %(where)s.") % {"at": at, "where": where})


def _parsed(raw: bytes, text: bytes, mac: bytes) -> Header:
    try:
        facts = json.loads(text)
        cipher, chunk_bytes = facts["cipher"], int(facts["chunk_bytes"])
        prefix, wrapped = bytes.fromhex(facts["nonce_prefix"]), base64.b64decode(facts["wrapped_key"], validate=True)
        label = {str(key): str(value) for key, value in facts["label"].items()}
        chunk_aad = mac if raw[9] == VERSION else bytes.fromhex(facts["chunk_aad"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise EnvelopeDamaged(
            _("The header (from byte %(at)d) is damaged: it cannot be read.") % {"at": FIXED_BYTES}
        ) from error
    if facts.get("wrapped_sum") != hashlib.sha256(wrapped).hexdigest():
        raise EnvelopeDamaged(
            _("The header (bytes %(at)d to %(end)d) is damaged: its wrapped key is not what was written.")
            % {"at": FIXED_BYTES, "end": len(raw) - 1}
        )
    if cipher != CIPHER or not 1 <= chunk_bytes <= CHUNK_LIMIT or len(prefix) != PREFIX_BYTES:
        raise EnvelopeDamaged(
            _("The header (from byte %(at)d) is damaged: a value is out of its range.") % {"at": FIXED_BYTES}
        )
    return Header(chunk_bytes, prefix, wrapped, label, raw, mac, chunk_aad)


def _authentic(header: Header, header_key: bytes) -> None:
    if not hmac.compare_digest(_mac(header_key, header.raw), header.mac):
        raise EnvelopeDamaged(
            _("The header (bytes 0 to %(end)d) is damaged: its HMAC does not fit.") % {"end": header.first_chunk_at - 1}
        )


def _unwrap(header: Header, identities: Sequence[str]) -> bytes:
    try:
        key = bytes(pyrage.decrypt(header.wrapped_key, identities_of(identities)))
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            raise WrongIdentity(
                _("None of the given private keys opens this envelope."),
                hint=_("Give the identity file whose public key was a recipient when it was written."),
            ) from error
        raise EnvelopeDamaged(_("The header is damaged: its wrapped key cannot be opened.")) from error
    if len(key) != KEY_BYTES:
        raise EnvelopeDamaged(_("The header is damaged: its wrapped key has the wrong length."))
    return key


def _keys(file_key: bytes) -> tuple[bytes, bytes]:
    def derived(purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"bonanca envelope v1 " + purpose).derive(
            file_key
        )

    return derived(b"header"), derived(b"chunks")


def _mac(key: bytes, raw: bytes) -> bytes:
    return hmac.new(key, raw, hashlib.sha256).digest()


def _nonce(prefix: bytes, index: int, *, last: bool) -> bytes:
    return prefix + index.to_bytes(4, "big") + (b"\1" if last else b"\0")


def _wrapped(file_key: bytes, recipients: Sequence[str]) -> dict[str, Any]:
    wrapped = pyrage.encrypt(file_key, recipients_of(recipients))
    return {
        "wrapped_key": base64.b64encode(wrapped).decode("ascii"),
        "wrapped_sum": hashlib.sha256(wrapped).hexdigest(),
    }


def _header_bytes(facts: Mapping[str, Any], version: int = VERSION) -> bytes:
    text = json.dumps({"cipher": CIPHER, **facts}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8"
    )
    if len(text) > HEADER_LIMIT:
        raise Invalid(_("The envelope's label and recipients need more than 64 KiB."))
    return MAGIC + version.to_bytes(2, "big") + len(text).to_bytes(4, "big") + text


def _read_exactly(source: Source, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end: pipes and object stores give what they have."""
    data = source.read(size)
    if len(data) == size or not data:
        return data
    whole = io.BytesIO()
    whole.write(data)
    while whole.tell() < size and (data := source.read(size - whole.tell())):
        whole.write(data)
    return whole.getvalue()
