"""A place holds what it was given, or says why not; a broken one is known by its name; an upload goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery.places import (
    Parcel,
    Place,
    PlaceInvalid,
    ReplicaLocked,
    ReplicaMissing,
    ReplicaProblem,
    SourceChanged,
    checked_place,
    open_place,
)
from bonanca.recovery.places import s3 as s3_module
from bonanca.recovery.places.uploads import Stopped
from bonanca.recovery.tests.servers import keygen

# Several pieces and several parts, the last of each shorter.
CONTENT = os.urandom(1024 * 1024) * 18 + b"end"
KINDS = ("folder", "sftp", "s3")


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], PlaceSpec]:
    def of(kind: str) -> PlaceSpec:
        if kind == "folder":
            return PlaceSpec(str(tmp_path / "copies"))
        # A folder of its own for each test, by its name.
        return request.getfixturevalue("sshd" if kind == "sftp" else "s3").place(
            **{"name" if kind == "sftp" else "prefix": f"copies{abs(hash(request.node.name))}"}
        )

    return of


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    return Parcel(source, "loja/one.bnc", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def interrupted(place: Place, parcel: Parcel, after: int) -> list[int]:
    """Store until `after` bytes are there, then stop; returns what was told."""
    told: list[int] = []

    def tell(done: int) -> None:
        told.append(done)
        if done >= after:
            raise Stopped

    with pytest.raises(Stopped):
        place.store(parcel, tell)
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_stored_is_read_back_and_can_be_removed(kind, places, parcel, tmp_path):
    place = open_place(places(kind))
    assert place.store(parcel) == len(CONTENT)
    fetched = place.fetch(parcel.name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert (fetched.size, fetched.sha256) == (parcel.size, parcel.sha256)
    place.remove(parcel.name)
    place.remove(parcel.name)
    with pytest.raises(ReplicaMissing) as caught:
        place.fetch(parcel.name)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_upload_goes_on_and_nobody_sees_half_of_it(kind, places, parcel, monkeypatch):
    place = open_place(places(kind))
    interrupted(place, parcel, 9_000_000)
    with pytest.raises(ReplicaMissing):
        place.fetch(parcel.name)
    sent = counting(kind, place, monkeypatch)
    again = open_place(places(kind)) if kind != "s3" else place
    assert again.store(parcel) == len(CONTENT)
    assert 0 < sum(sent) < len(CONTENT) / 2 + 1_000_000, sent
    assert again.fetch(parcel.name).sha256 == parcel.sha256


def counting(kind: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes that really go over, from now on."""
    sent: list[int] = []
    if kind == "s3":
        real = place.client.upload_part
        monkeypatch.setattr(place.client, "upload_part", lambda **kw: (sent.append(len(kw["Body"])), real(**kw))[1])
    elif kind == "sftp":
        import asyncssh

        write = asyncssh.SFTPClientFile.write

        async def counted(self, data, offset=None):
            sent.append(len(data))
            return await write(self, data, offset)

        monkeypatch.setattr(asyncssh.SFTPClientFile, "write", counted)
    else:
        part = Path(place.place, "loja/one.bnc.part")
        sent.append(len(CONTENT) - part.stat().st_size)
    return sent


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_dead_attempt_left_wrong_is_sent_again(kind, places, parcel, tmp_path):
    place, other = open_place(places(kind)), tmp_path / "other"
    other.write_bytes(b"x" * 12_000_000)
    interrupted(place, replace(parcel, source=other), 9_000_000)
    if kind == "sftp":  # the server has no checksums: it is found out at the end, and the next attempt is a fresh one
        with pytest.raises(ReplicaProblem, match="damaged"):
            place.store(parcel)
    place.store(parcel)
    assert place.fetch(parcel.name).sha256 == parcel.sha256


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_not_what_was_sealed_is_not_stored(kind, places, parcel):
    place = open_place(places(kind))
    parcel.source.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(SourceChanged):
        place.store(parcel)
    with pytest.raises(ReplicaMissing):
        place.fetch(parcel.name)


def test_a_small_object_goes_to_s3_in_one_piece(s3, tmp_path):
    source = tmp_path / "small"
    source.write_bytes(b"sealed")
    place = open_place(s3.place())
    place.store(Parcel(source, "small.bnc", 6, hashlib.sha256(b"sealed").hexdigest()))
    assert place.fetch("small.bnc").size == 6


@pytest.mark.parametrize("size", [100, len(CONTENT)])
def test_a_locked_copy_cannot_be_removed_before_its_time(s3, tmp_path, size):
    source, until = tmp_path / "source", datetime.now(UTC) + timedelta(days=2)
    source.write_bytes(CONTENT[:size])
    name, sha256 = f"locked-{size}.bnc", hashlib.sha256(CONTENT[:size]).hexdigest()
    place = open_place(s3.place("locked", lock_days=2))
    place.store(Parcel(source, name, size, sha256, lock_until=until))
    with pytest.raises(ReplicaLocked, match="locked"):
        place.remove(name)
    assert place.fetch(name).sha256 == sha256


def test_a_bucket_without_locks_is_named_when_one_is_declared(s3, parcel):
    locked = replace(parcel, lock_until=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(ReplicaProblem, match="ObjectLock"):
        open_place(s3.place(prefix="no-lock")).store(locked)


def test_versions_are_removed_too(s3, tmp_path):
    place, source = open_place(s3.place("locked", prefix="versions")), tmp_path / "s"
    source.write_bytes(b"1")
    for _again in range(2):
        place.store(Parcel(source, "v.bnc", 1, hashlib.sha256(b"1").hexdigest()))
    place.remove("v.bnc")
    assert "Versions" not in s3.client.list_object_versions(Bucket="locked", Prefix="versions")


def test_a_server_with_another_host_key_gets_nothing(sshd, parcel, tmp_path):
    other = keygen(tmp_path / "other")
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    with pytest.raises(ReplicaProblem, match="host key"):
        open_place(sshd.place("x", known_hosts=known)).store(parcel)
    assert not (sshd.folder / "x").exists()


def test_a_key_that_does_not_let_in_or_that_others_may_read_is_refused(sshd, parcel, tmp_path):
    keygen(tmp_path / "stranger")
    with pytest.raises(ReplicaProblem, match="sftp"):
        open_place(sshd.place(key_file=tmp_path / "stranger")).store(parcel)
    (tmp_path / "stranger").chmod(0o644)
    with pytest.raises(ReplicaProblem, match="readable by others"):
        open_place(sshd.place(key_file=tmp_path / "stranger")).store(parcel)


def test_nobody_there_is_a_problem_in_one_line(sshd, s3, parcel):
    gone = replace(sshd.place(), place=sshd.place().place.replace(str(sshd.port), "1"))
    for place in (gone, s3.place(endpoint="http://127.0.0.1:1")):
        with pytest.raises(ReplicaProblem) as caught:
            open_place(place).fetch("x")
        assert "\n" not in caught.value.message


def test_a_private_address_needs_to_be_meant(sshd, s3, parcel):
    for place in (sshd.place(allow_private=False), s3.place(allow_private=False)):
        with pytest.raises(ReplicaProblem, match="private network"):
            open_place(place).store(parcel)
    with pytest.raises(ReplicaProblem, match="not encrypted"):
        open_place(s3.place(allow_http=False)).store(parcel)


def test_many_parts_stay_within_what_a_server_takes(s3, parcel, monkeypatch):
    monkeypatch.setattr(s3_module, "PART_BYTES", 6 * 1024 * 1024)
    monkeypatch.setattr(s3_module, "PARTS_AT_MOST", 2)
    place = open_place(s3.place(prefix="two"))
    place.store(parcel)
    assert place.fetch(parcel.name).sha256 == parcel.sha256


def test_a_file_url_is_a_directory_of_ones_own(tmp_path, parcel):
    open_place(PlaceSpec(f"file://{tmp_path}/a%20b")).store(parcel)
    assert (tmp_path / "a b" / "loja" / "one.bnc").stat().st_mode & 0o077 == 0
    assert (tmp_path / "a b").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path, parcel):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ReplicaProblem, match=str(tmp_path / "file")):
        open_place(PlaceSpec(str(tmp_path / "file"))).store(parcel)


def test_removing_takes_the_leftovers_of_an_interrupted_upload_too(tmp_path, parcel):
    place = open_place(PlaceSpec(str(tmp_path / "a")))
    interrupted(place, parcel, 1)
    (tmp_path / "a" / "loja" / "one.bnc#1").write_bytes(b"half")
    place.remove(parcel.name)
    assert list((tmp_path / "a" / "loja").iterdir()) == []


@pytest.mark.parametrize("place", ["/backups/a", "file:///b", "s3://bucket/x", "gs://bucket", "az://container/x"])
def test_kinds_of_places(place):
    assert checked_place(PlaceSpec(place)) == place
    open_place(PlaceSpec(place))


@pytest.mark.parametrize("place", ["ftp://example/x", "sftp://user@example/x"])
def test_an_unknown_kind_of_place_and_one_without_its_options_are_refused(place):
    with pytest.raises(PlaceInvalid, match=place):
        checked_place(PlaceSpec(place))
