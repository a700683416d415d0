"""The one encrypted format of everything that leaves the machine (Y8): a *Bonança envelope*, version 1 or 2.

The server that writes envelopes holds only public keys, so it cannot read the ones it wrote before. A fresh key is
drawn for each envelope, wrapped by age to the recipients, and never stored anywhere in the clear.

Byte layout (integers are big-endian; `docs/reference/backup-format.md` says the same for people)::

    offset      bytes  what
    0           8      magic: b"BONANCA\0"
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

Both directions hold two chunks in memory, whatever the size."""

from bonanca.recovery.envelope.chunks import (
    EnvelopeWriter,
    Sealed,
    Sink,
    open_envelope,
    opened_chunks,
    rewrap,
    seal,
)
from bonanca.recovery.envelope.header import (
    FIXED_BYTES,
    TAG_BYTES,
    EnvelopeDamaged,
    Header,
    Source,
    WrongIdentity,
    opens,
    read_header,
)

__all__ = [
    "FIXED_BYTES",
    "TAG_BYTES",
    "EnvelopeDamaged",
    "EnvelopeWriter",
    "Header",
    "Sealed",
    "Sink",
    "Source",
    "WrongIdentity",
    "open_envelope",
    "opened_chunks",
    "opens",
    "read_header",
    "rewrap",
    "seal",
]
