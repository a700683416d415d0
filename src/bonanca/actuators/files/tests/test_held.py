"""A folder of somebody else's is read and written in without being led out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bonanca.actuators.files.atomic import write_atomic
from bonanca.actuators.files.held import LedElsewhere, followed, held, read_ours

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
SOMEBODY = 54321


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (tmp_path / "secret").write_text("root only")
    return folder


def test_what_is_written_is_whole_private_and_leaves_nothing_beside(theirs: Path) -> None:
    with held(theirs) as folder:
        assert folder.read("a") is None
        folder.write("a", b"one", mode=0o600)
        folder.write("a", b"two", mode=0o640)
        found = folder.read("a")
    assert found is not None
    assert (found.data, found.mode, found.uid) == (b"two", 0o640, os.geteuid())
    assert [path.name for path in theirs.iterdir()] == ["a"]


def test_a_link_is_neither_read_nor_written_through(theirs: Path, tmp_path: Path) -> None:
    (theirs / "read").symlink_to(tmp_path / "secret")
    (theirs / "write").symlink_to(tmp_path / "made")
    with held(theirs) as folder:
        with pytest.raises(LedElsewhere, match="theirs/read is a link"):
            folder.read("read")
        with pytest.raises(LedElsewhere, match="theirs/write is a link"):
            folder.write("write", b"* * * * * root id", mode=0o600)
    assert not (tmp_path / "made").exists()
    assert (theirs / "write").is_symlink()
    assert len(list(theirs.iterdir())) == 2


def test_what_is_no_file_is_refused_and_not_waited_for(theirs: Path) -> None:
    os.mkfifo(theirs / "pipe")
    (theirs / "folder").mkdir()
    with held(theirs) as folder:
        for name in ("pipe", "folder"):
            with pytest.raises(LedElsewhere):
                folder.read(name)
            with pytest.raises(LedElsewhere):
                folder.write(name, b"", mode=0o600)


@AS_ROOT
def test_a_second_name_of_somebody_elses_file_is_not_read(theirs: Path, tmp_path: Path) -> None:
    os.chown(theirs, SOMEBODY, SOMEBODY)
    (theirs / "shadow").hardlink_to(tmp_path / "secret")
    with held(theirs) as folder, pytest.raises(LedElsewhere):
        folder.read("shadow")


@AS_ROOT
def test_what_is_written_belongs_to_the_folders_owner_or_as_is_said(theirs: Path) -> None:
    os.chown(theirs, SOMEBODY, SOMEBODY + 1)
    with held(theirs) as folder:
        folder.write("a", b"", mode=0o600)
        folder.write("b", b"", mode=0o600, owner=(0, SOMEBODY))
        folder.make_folder("c", uid=SOMEBODY, gid=SOMEBODY)
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in theirs.iterdir()}
    assert owners == {"a": (SOMEBODY, SOMEBODY + 1), "b": (0, SOMEBODY), "c": (SOMEBODY, SOMEBODY)}


@AS_ROOT
def test_only_links_of_roots_are_followed_on_the_way(theirs: Path, tmp_path: Path) -> None:
    (theirs / "in").mkdir()
    mine, foreign, last = tmp_path / "mine", tmp_path / "foreign", tmp_path / "last"
    for link in (mine, foreign):
        link.symlink_to("theirs")
    last.symlink_to(theirs / "in")
    os.chown(foreign, SOMEBODY, SOMEBODY, follow_symlinks=False)
    with held(mine / "in") as folder:
        assert os.path.sameopenfile(folder.handle, os.open(theirs / "in", os.O_PATH))
    with pytest.raises(LedElsewhere, match="foreign is a link"), held(foreign / "in"):
        pass
    with pytest.raises(LedElsewhere, match="last is a link"), held(last):
        pass
    with pytest.raises(FileNotFoundError), held(mine / "no"):
        pass


@AS_ROOT
def test_where_we_are_root_only_roots_links_are_followed(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to("theirs")
    assert followed(tmp_path / "mine" / ".." / "mine" / "new" / "file") == theirs / "new" / "file"
    link = theirs / "loja.toml"
    link.symlink_to("../secret")
    assert followed(link) == tmp_path / "secret"
    os.chown(link, SOMEBODY, SOMEBODY, follow_symlinks=False)
    for led in (link, tmp_path / "mine" / "loja.toml"):
        with pytest.raises(LedElsewhere, match=r"loja\.toml"):
            followed(led)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(LedElsewhere):
        followed(tmp_path / "round")


@AS_ROOT
def test_what_we_believe_is_a_file_of_our_own(theirs: Path) -> None:
    place = theirs / "record.json"
    assert read_ours(place) is None
    write_atomic(place, b"{}")
    assert read_ours(place) == b"{}"
    os.chown(place, SOMEBODY, SOMEBODY)
    with pytest.raises(LedElsewhere):
        read_ours(place)
