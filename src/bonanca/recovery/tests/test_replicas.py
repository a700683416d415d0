"""A place holds what it was given, or says why not; a broken one is known by its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bonanca.recovery.replicas import PlaceInvalid, Replica, ReplicaProblem, checked_place


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"sealed" * 200_000)
    return path


def test_what_was_stored_is_read_back(tmp_path, source):
    replica = Replica(str(tmp_path / "a"))
    assert replica.store(source, "loja/one.bnc") == source.stat().st_size
    fetched = replica.fetch("loja/one.bnc", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert fetched.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


def test_a_file_url_is_a_directory(tmp_path, source):
    Replica(f"file://{tmp_path}/a%20b").store(source, "one.bnc")
    assert (tmp_path / "a b" / "one.bnc").exists()


def test_only_the_owner_may_enter_a_directory_of_ours(tmp_path, source):
    Replica(str(tmp_path / "a")).store(source, "one.bnc")
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_written_is_named(tmp_path, source):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ReplicaProblem, match=str(tmp_path / "file")):
        Replica(str(tmp_path / "file")).store(source, "one.bnc")


def test_a_missing_object_is_a_problem_in_one_line(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ReplicaProblem) as caught:
        Replica(str(tmp_path / "a")).fetch("loja/none.bnc")
    assert "\n" not in caught.value.message


def test_removing_takes_the_leftovers_of_an_interrupted_upload_too(tmp_path, source):
    replica = Replica(str(tmp_path / "a"))
    replica.store(source, "loja/one.bnc")
    (tmp_path / "a" / "loja" / "one.bnc#1").write_bytes(b"half")
    replica.remove("loja/one.bnc")
    replica.remove("loja/one.bnc")
    assert list((tmp_path / "a" / "loja").iterdir()) == []


@pytest.mark.parametrize("place", ["/backups/a", "file:///b", "s3://bucket/x", "gs://bucket", "az://account/container"])
def test_kinds_of_places(place):
    assert checked_place(place) == place


def test_an_unknown_kind_of_place_is_refused():
    with pytest.raises(PlaceInvalid, match="ftp"):
        checked_place("ftp://example/x")
