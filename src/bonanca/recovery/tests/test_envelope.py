"""An envelope gives back what was sealed or says where it is damaged; there is nothing between."""

from __future__ import annotations

import io
import json

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrage import x25519

from bonanca.recovery.envelope import (
    FIXED_BYTES,
    TAG_BYTES,
    EnvelopeDamaged,
    EnvelopeWriter,
    Sealed,
    WrongIdentity,
    open_envelope,
    read_header,
    seal,
)
from bonanca.recovery.identities import InvalidRecipient

ANA, BETO, STRANGER = (x25519.Identity.generate() for _ in range(3))
CHUNK = 64


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def sealed(plain: bytes, *, chunk_bytes: int = CHUNK, pieces: int = 7, to=(ANA,)) -> tuple[bytes, Sealed]:
    out = io.BytesIO()
    writer = EnvelopeWriter(
        out,
        recipients=[str(person.to_public()) for person in to],
        label={"service": "loja"},
        chunk_bytes=chunk_bytes,
    )
    for start in range(0, len(plain), pieces):
        writer.write(plain[start : start + pieces])
    return _finished(out, writer)


def _finished(out: io.BytesIO, writer: EnvelopeWriter) -> tuple[bytes, Sealed]:
    facts = writer.finish()
    return out.getvalue(), facts


def opened(data: bytes, *identities: x25519.Identity) -> bytes:
    out = io.BytesIO()
    open_envelope(io.BytesIO(data), out, identities=[str(one) for one in identities or (ANA,)])
    return out.getvalue()


def chunk_starts(data: bytes) -> list[int]:
    start = read_header(io.BytesIO(data)).first_chunk_at
    return list(range(start, len(data), CHUNK + TAG_BYTES))


@given(plain=st.binary(max_size=5 * CHUNK), pieces=st.integers(1, 3 * CHUNK))
@settings(max_examples=60, deadline=None)
def test_what_was_sealed_comes_back(plain, pieces):
    data, facts = sealed(plain, pieces=pieces)
    assert opened(data) == plain
    assert (facts.size, facts.plain_size) == (len(data), len(plain))


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK])
def test_every_length_around_a_chunk_boundary_comes_back(length):
    assert opened(sealed(b"x" * length)[0]) == b"x" * length


@given(plain=st.binary(max_size=3 * CHUNK), data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_changed_byte_is_an_error_that_names_the_place(plain, data):
    intact = sealed(plain)[0]
    envelope = bytearray(intact)
    # A share, not an index: age adds padding of a random length to the wrapped key.
    at = int(data.draw(st.floats(0, 1, exclude_max=True)) * len(envelope))
    envelope[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(EnvelopeDamaged) as caught:
        opened(bytes(envelope))
    starts = chunk_starts(intact)
    if at >= starts[0]:
        index = (at - starts[0]) // (CHUNK + TAG_BYTES)
        assert f"Chunk {index} (bytes {starts[index]} to" in caught.value.message
    else:
        assert "byte" in caught.value.message


def test_every_single_byte_of_the_header_is_guarded():
    envelope = sealed(b"data")[0]
    for at in range(chunk_starts(envelope)[0]):
        changed = bytearray(envelope)
        changed[at] ^= 1
        with pytest.raises(EnvelopeDamaged):
            opened(bytes(changed))


@given(plain=st.binary(max_size=4 * CHUNK), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_cut_anywhere_is_an_error_that_names_a_place(plain, data):
    envelope = sealed(plain)[0]
    keep = int(data.draw(st.floats(0, 1, exclude_max=True)) * len(envelope))
    with pytest.raises(EnvelopeDamaged, match="byte"):
        opened(envelope[:keep])


def test_a_cut_at_a_chunk_boundary_names_the_byte_and_the_missing_chunk():
    envelope = sealed(b"x" * (4 * CHUNK))[0]
    for index, start in enumerate(chunk_starts(envelope)[1:], start=1):
        with pytest.raises(EnvelopeDamaged, match=rf"cut off at byte {start}, in chunk {index}"):
            opened(envelope[:start])


def test_chunks_that_changed_places_are_refused():
    envelope = sealed(bytes(range(256)))[0]
    first, second, third, *_rest = chunk_starts(envelope)
    swapped = envelope[:first] + envelope[second:third] + envelope[first:second] + envelope[third:]
    with pytest.raises(EnvelopeDamaged, match=r"Chunk 0 .* not in its place"):
        opened(swapped)


def test_a_chunk_that_was_dropped_or_repeated_is_refused():
    envelope = sealed(bytes(range(256)))[0]
    _first, second, third, *_rest = chunk_starts(envelope)
    for changed in (envelope[:second] + envelope[third:], envelope[:third] + envelope[second:]):
        with pytest.raises(EnvelopeDamaged, match=r"Chunk [12] "):
            opened(changed)


def test_a_chunk_of_another_envelope_is_refused():
    one, other = sealed(b"a" * CHUNK)[0], sealed(b"b" * CHUNK)[0]
    with pytest.raises(EnvelopeDamaged, match="Chunk 0"):
        opened(one[: chunk_starts(one)[0]] + other[chunk_starts(other)[0] :])


def test_bytes_after_the_end_are_refused():
    with pytest.raises(EnvelopeDamaged, match="after the envelope's end"):
        opened(sealed(b"x" * CHUNK)[0] + b"more")


def test_the_label_is_readable_without_a_key_and_cannot_be_changed():
    envelope = sealed(b"data")[0]
    assert read_header(io.BytesIO(envelope)).label == {"service": "loja"}
    with pytest.raises(EnvelopeDamaged, match="HMAC"):
        opened(envelope.replace(b'"loja"', b'"lojb"'))


def test_each_recipient_alone_opens_it_and_a_stranger_does_not():
    envelope = sealed(b"data", to=(ANA, BETO))[0]
    assert opened(envelope, ANA) == opened(envelope, BETO) == opened(envelope, STRANGER, BETO) == b"data"
    with pytest.raises(WrongIdentity):
        opened(envelope, STRANGER)


def test_two_envelopes_of_the_same_data_share_no_key():
    one, other = sealed(b"data")[0], sealed(b"data")[0]
    assert one[chunk_starts(one)[0] :] != other[chunk_starts(other)[0] :]


def test_no_recipient_and_a_private_key_as_recipient_are_refused_without_showing_it():
    with pytest.raises(InvalidRecipient):
        seal(io.BytesIO(b""), io.BytesIO(), recipients=[], label={})
    with pytest.raises(InvalidRecipient) as caught:
        seal(io.BytesIO(b""), io.BytesIO(), recipients=[str(ANA)], label={})
    assert str(ANA) not in str(caught.value)


def test_a_newer_version_is_said_to_be_newer():
    envelope = bytearray(sealed(b"data")[0])
    envelope[8:10] = (3).to_bytes(2, "big")
    with pytest.raises(EnvelopeDamaged, match="version"):
        read_header(io.BytesIO(bytes(envelope)))


def test_a_header_made_of_hostile_json_is_damage_and_not_a_crash():
    for hostile in (b"[]", b"{}", b"[" * 30_000, json.dumps({"label": 3}).encode()):
        raw = sealed(b"")[0][: FIXED_BYTES - 4] + len(hostile).to_bytes(4, "big") + hostile + b"\0" * 32
        with pytest.raises(EnvelopeDamaged):
            opened(raw)


def test_memory_stays_flat_whatever_the_size():
    class Counting(io.RawIOBase):
        largest = 0

        def write(self, data):
            Counting.largest = max(Counting.largest, len(data))
            return len(data)

    writer = EnvelopeWriter(Counting(), recipients=[str(ANA.to_public())], label={}, chunk_bytes=CHUNK)
    for _ in range(50):
        writer.write(b"x" * 1000)
    writer.finish()
    assert Counting.largest < 2000  # the header is the largest single write; no chunk was ever gathered with another
