"""The closed folder beside a path is ours, or nothing is put into it; nothing is done through a link in it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from bonanca.actuators.files.held import LedElsewhere
from bonanca.actuators.files.tree_read import Left, walk
from bonanca.actuators.files.tree_swap import SIDE, SideNotOurs, ident, put_new, remove_tree, set_aside, side_of
from bonanca.actuators.files.tree_write import Properties, TreeWriter


def test_the_folder_beside_is_made_closed_and_used_again(tmp_path: Path) -> None:
    made = side_of(tmp_path / "data")
    assert made == tmp_path / SIDE
    assert made.stat().st_mode & 0o777 == 0o700
    assert side_of(tmp_path / "data") == made


def test_a_link_a_file_or_a_folder_that_others_write_in_is_refused(tmp_path: Path) -> None:
    side, trap = tmp_path / SIDE, tmp_path / "trap"
    trap.mkdir(mode=0o700)
    side.symlink_to(trap)
    with pytest.raises(SideNotOurs, match=SIDE):
        side_of(tmp_path / "data")
    side.unlink()
    side.touch()
    with pytest.raises(SideNotOurs):
        side_of(tmp_path / "data")
    side.unlink()
    side.mkdir()
    for mode in (0o770, 0o702, 0o777):
        side.chmod(mode)
        with pytest.raises(SideNotOurs):
            side_of(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / SIDE).mkdir(mode=0o700)
    os.chown(tmp_path / SIDE, 54321, 54321)
    with pytest.raises(SideNotOurs):
        side_of(tmp_path / "data")


def test_a_tree_that_forbids_writing_is_removed_and_what_its_links_name_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir(mode=0o755)
    (tmp_path / "kept" / "file").touch()
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "link").symlink_to(tmp_path / "kept")
    (tree / "a" / "b").chmod(0o500)
    (tree / "a").chmod(0o500)
    assert remove_tree(tree)
    assert not tree.exists()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "kept" / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody else")
def test_no_link_of_a_folders_owner_leads_a_swap_a_backup_or_a_restore_elsewhere(tmp_path: Path) -> None:
    """The folder of a declared path is the service's own user's; the worker is root."""
    theirs, cron, mine = tmp_path / "theirs", tmp_path / "cron", tmp_path / "mine"
    for folder in (theirs, cron / "media", mine):
        folder.mkdir(parents=True)
    (cron / "media" / "secret").write_text("root only")
    (mine / "new").write_text("new")
    (theirs / "data").symlink_to(cron)
    target = theirs / "data" / "media"
    os.chown(theirs / "data", 54321, 54321, follow_symlinks=False)
    writer = TreeWriter({0: theirs / "data" / "new"})
    for step in (
        lambda: side_of(target),
        lambda: put_new(theirs / "data" / "new", mine / "new", new=ident(mine / "new") or (0, 0)),
        lambda: set_aside(target, mine / "kept", which=ident(target) or (0, 0)),
        lambda: list(walk([target], left=Left())),
        lambda: writer.file(0, "", Properties(0o644, 0, 0, 0), io.BytesIO(b"* * * * * root id")),
        lambda: writer.folder(0, "", Properties(0o755, 0, 0, 0)),
        lambda: writer.file(0, "inner", Properties(0o644, 0, 0, 0), io.BytesIO(b"* * * * * root id")),
    ):
        with pytest.raises(LedElsewhere, match="theirs/data"):
            step()
    assert sorted(path.name for path in cron.rglob("*")) == ["media", "secret"]
    assert [path.name for path in mine.iterdir()] == ["new"]
    # A link that root has made, for a disk elsewhere, is the administrator's own.
    os.chown(theirs / "data", 0, 0, follow_symlinks=False)
    assert [entry.path for entry in walk([target], left=Left())] == ["", "secret"]
    put_new(theirs / "data" / "new", mine / "new", new=ident(mine / "new") or (0, 0))
    assert (cron / "new").read_text() == "new"
