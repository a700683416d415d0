"""What a worker itself writes into a server's folder never leaves it, whatever its owner has put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.actuators.files.held import LedElsewhere
from bonanca.actuators.postgres import rejoining
from bonanca.actuators.postgres.rejoining import Folder

DSN = "host=127.0.0.1 dbname=loja password=hush"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pg" / "data"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "PG_VERSION").write_text("18\n")
    (folder / "postgresql.conf").write_text("port = 1\n")
    (tmp_path / "shadow").write_text("root:x:1\n")

    def copied(_data: Path, _version: int, name: str, arguments: list[str], **_more: object) -> str:
        if name == "pg_basebackup":
            new = Path(arguments[0].partition("=")[2])
            (new / "PG_VERSION").write_text("18\n")
            (new / "postgresql.conf").write_text("port = 2\n")
        return ""

    monkeypatch.setattr(rejoining, "_program", copied)
    return folder


def folder_of(data: Path) -> Folder:
    return Folder(data, 18, "7", True)


def asked() -> dict[str, object]:
    return {"timeout_s": 5.0, "watch": lambda: None}


@pytest.mark.parametrize("name", ["standby.signal", "postgresql.auto.conf"])
def test_a_standby_is_not_announced_through_a_link(data: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "cron"
    (data / name).symlink_to(target)
    with pytest.raises(LedElsewhere, match=name):
        rejoining.follow(data, DSN)
    assert not target.exists()
    (data / name).unlink()
    rejoining.follow(data, DSN)
    assert (data / "standby.signal").stat().st_mode & 0o777 == 0o600
    assert "password=hush" in (data / "postgresql.auto.conf").read_text()


def test_no_other_file_is_read_as_settings(data: Path, tmp_path: Path) -> None:
    (data / "pg_hba.conf").symlink_to(tmp_path / "shadow")
    for step in (
        lambda: rejoining.look_into(data),
        lambda: rejoining.settings_of(data),
        lambda: rejoining.copy(folder_of(data), DSN, data.with_name("kept"), **asked()),
    ):
        with pytest.raises(LedElsewhere, match="pg_hba"):
            step()
    assert not [path for path in data.parent.rglob("pg_hba.conf") if not path.is_symlink()]


def test_a_version_that_is_none_is_not_repeated(data: Path) -> None:
    (data / "PG_VERSION").write_text("hush:x")
    with pytest.raises(rejoining.NoDataFolder) as refused:
        rejoining.look_into(data)
    assert "hush" not in str(refused.value)


def test_a_copy_takes_the_place_with_the_settings_of_the_old_one(data: Path) -> None:
    kept = data.with_name("kept")
    (data / "postgresql.conf").chmod(0o640)
    data.with_name("kept.new").mkdir()
    for _again in range(2):
        rejoining.copy(folder_of(data), DSN, kept, **asked())
        assert (data / "postgresql.conf").read_text() == "port = 1\n"
        assert (data / "postgresql.conf").stat().st_mode & 0o777 == 0o640
        assert sorted(path.name for path in data.parent.iterdir()) == ["data", "kept"]


def test_no_copy_goes_where_a_link_leads(data: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    data.with_name("kept.new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"[Ss]ymbolic link"):
        rejoining.copy(folder_of(data), DSN, data.with_name("kept"), **asked())
    assert (tmp_path / "elsewhere" / "precious").exists()
    assert (data / "PG_VERSION").exists()
