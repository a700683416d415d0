"""The header of an envelope: what it says, whom its key is wrapped for, and whether it is authentic."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyrage
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
CHUNK_LIMIT = 64 * 1024 * 1024


class EnvelopeDamaged(Invalid):
    """These bytes are not what was sealed. The message names the place."""


class WrongIdentity(Invalid):
    """None of the given private keys opens this envelope."""


class Source(Protocol):
    """Anything with `read(n)` that returns b"" at its end."""

    def read(self, size: int = ..., /) -> bytes: ...


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


def read_header(source: Source) -> Header:
    """Read an envelope's header; nothing in it is authenticated yet.

    Raises:
        EnvelopeDamaged: this is not an envelope, its version is newer than this program, or it ends in the header.
    """
    fixed = read_exactly(source, FIXED_BYTES)
    if fixed[: len(MAGIC)] != MAGIC[: len(fixed)]:
        raise EnvelopeDamaged(_("This is not a Bonança envelope: byte 0 does not begin its magic."))
    if len(fixed) < FIXED_BYTES:
        raise cut(len(fixed), _("the header"))
    version = int.from_bytes(fixed[8:10], "big")
    if version not in (VERSION, REWRAPPED):
        raise EnvelopeDamaged(
            _("The envelope's version (byte 8) is %(version)d and this program reads version %(known)d.")
            % {"version": version, "known": REWRAPPED}
        )
    length = int.from_bytes(fixed[10:14], "big")
    if not 2 <= length <= HEADER_LIMIT:
        raise EnvelopeDamaged(_("The header's length (byte 10) is damaged: %(length)d bytes.") % {"length": length})
    body = read_exactly(source, length + MAC_BYTES)
    if len(body) < length + MAC_BYTES:
        raise cut(FIXED_BYTES + len(body), _("the header"))
    return _parsed(fixed + body[:length], body[:length], body[length:])


def opens(header: Header, identities: Sequence[str]) -> None:
    """See that one of the private keys opens the envelope, and that its header is what was sealed.

    Raises:
        WrongIdentity, EnvelopeDamaged.
    """
    header_key, _chunk_key = keys(unwrap(header, identities))
    authentic(header, header_key)


def cut(at: int, where: str) -> EnvelopeDamaged:
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


def authentic(header: Header, header_key: bytes) -> None:
    if not hmac.compare_digest(mac(header_key, header.raw), header.mac):
        raise EnvelopeDamaged(
            _("The header (bytes 0 to %(end)d) is damaged: its HMAC does not fit.") % {"end": header.first_chunk_at - 1}
        )


def unwrap(header: Header, identities: Sequence[str]) -> bytes:
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


def keys(file_key: bytes) -> tuple[bytes, bytes]:
    def derived(purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"bonanca envelope v1 " + purpose).derive(
            file_key
        )

    return derived(b"header"), derived(b"chunks")


def mac(key: bytes, raw: bytes) -> bytes:
    return hmac.new(key, raw, hashlib.sha256).digest()


def wrapped(file_key: bytes, recipients: Sequence[str]) -> dict[str, Any]:
    wrapped = pyrage.encrypt(file_key, recipients_of(recipients))
    return {
        "wrapped_key": base64.b64encode(wrapped).decode("ascii"),
        "wrapped_sum": hashlib.sha256(wrapped).hexdigest(),
    }


def header_bytes(facts: Mapping[str, Any], version: int = VERSION) -> bytes:
    text = json.dumps({"cipher": CIPHER, **facts}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8"
    )
    if len(text) > HEADER_LIMIT:
        raise Invalid(_("The envelope's label and recipients need more than 64 KiB."))
    return MAGIC + version.to_bytes(2, "big") + len(text).to_bytes(4, "big") + text


def read_exactly(source: Source, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end: pipes and object stores give what they have."""
    data = source.read(size)
    if len(data) == size or not data:
        return data
    whole = io.BytesIO()
    whole.write(data)
    while whole.tell() < size and (data := source.read(size - whole.tell())):
        whole.write(data)
    return whole.getvalue()
