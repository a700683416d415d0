"""The closed folder beside a path is ours, or nothing is put into it; nothing is done through a link in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bonanca.actuators.files.tree_swap import SIDE, SideNotOurs, remove_tree, side_of


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
