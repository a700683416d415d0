"""A data directory that was laid out is prepared and given away without following a link in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bonanca.actuators.postgres.data_directory import give_all, prepare_recovery


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_all_of_it_is_given_and_nothing_that_a_link_names(tmp_path: Path) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    (data / "base" / "1").mkdir(parents=True)
    (data / "base" / "1" / "2").touch()
    outside.mkdir()
    (outside / "file").touch()
    (data / "pg_wal").symlink_to(outside)
    (data / "link").symlink_to(outside / "file")
    give_all(data, 54321, 54322)
    inside = [data, *data.rglob("*")]
    assert len(inside) == 6
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in inside} == {(54321, 54322)}
    assert {path.stat().st_uid for path in (outside, outside / "file")} == {0}


@pytest.mark.parametrize("name", ["postgresql.auto.conf", "recovery.signal"])
def test_recovery_is_not_prepared_through_a_link(tmp_path: Path, name: str) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    data.mkdir()
    (data / name).symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        prepare_recovery(data, None, {"": "immediate"})
    assert not outside.exists()
    (data / name).unlink()
    prepare_recovery(data, None, {"": "immediate"})
    assert "recovery_target = 'immediate'" in (data / "postgresql.auto.conf").read_text()
    assert (data / "recovery.signal").exists()
