"""A configuration file changes in one step, once per key, and goes back byte for byte."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bonanca.actuators.files import write as writing
from bonanca.actuators.files.atomic import remove
from bonanca.actuators.files.held import LedElsewhere
from bonanca.actuators.files.store import ContentLost, ContentStore, FileState
from bonanca.actuators.files.write import restore_file, write_file, written

V1 = b"retries = 3\r\n\xff\x00"
V2 = b"retries = 0\n"


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "store")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "loja.toml"
    path.write_bytes(V1)
    path.chmod(0o640)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_written_file_goes_back_byte_for_byte_with_its_mode(store: ContentStore, config: Path) -> None:
    done = write_file(store, key="run:config", path=config, data=V2, mode=0o600)
    assert (config.read_bytes(), mode_of(config)) == (V2, 0o600)

    restore_file(store, key="undo:config", path=config, state=done.before)
    assert (config.read_bytes(), mode_of(config)) == (V1, 0o640)


def test_the_mode_is_kept_when_none_is_asked_for(store: ContentStore, config: Path) -> None:
    write_file(store, key="run:config", path=config, data=V2)
    assert mode_of(config) == 0o640


def test_a_file_that_was_not_there_is_gone_again_after_undo(store: ContentStore, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "loja.toml"
    done = write_file(store, key="run:config", path=path, data=V2)
    assert mode_of(path) == 0o600
    restore_file(store, key="undo:config", path=path, state=done.before)
    assert not path.exists()


def test_the_undo_can_itself_be_undone(store: ContentStore, config: Path) -> None:
    done = write_file(store, key="run:config", path=config, data=V2)
    undone = restore_file(store, key="undo:config", path=config, state=done.before)
    restore_file(store, key="redo:config", path=config, state=undone.before)
    assert config.read_bytes() == V2


def test_a_repeat_under_the_same_key_still_knows_the_content_of_before_the_first(
    store: ContentStore, config: Path
) -> None:
    first = write_file(store, key="run:config", path=config, data=V2)
    again = write_file(store, key="run:config", path=config, data=V2)
    assert again == first
    assert store.get(again.before.sha256 or "") == V1


def test_a_crash_between_intent_and_write_is_not_taken_for_done(
    store: ContentStore, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(writing, "put_state", die)
        with pytest.raises(Killed):
            write_file(store, key="run:config", path=config, data=V2)
    assert config.read_bytes() == V1
    assert written(store, "run:config") is None

    write_file(store, key="run:config", path=config, data=V2)
    done = written(store, "run:config")
    assert done is not None
    assert store.get(done.before.sha256 or "") == V1


def test_the_same_content_written_by_somebody_else_is_not_our_change(store: ContentStore, config: Path) -> None:
    config.write_bytes(V2)
    assert written(store, "run:config") is None


def test_a_symlink_survives_and_its_target_changes(store: ContentStore, config: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    write_file(store, key="run:config", path=link, data=V2)
    assert link.is_symlink()
    assert config.read_bytes() == V2


def test_a_kept_content_that_rotted_is_refused_and_nothing_changes(store: ContentStore, config: Path) -> None:
    done = write_file(store, key="run:config", path=config, data=V2)
    assert done.before.sha256 is not None
    kept = store.folder / "contents" / done.before.sha256[:2] / done.before.sha256
    kept.chmod(0o600)
    kept.write_bytes(b"something else")
    with pytest.raises(ContentLost, match="no longer has its hash"):
        restore_file(store, key="undo:config", path=config, state=done.before)
    assert config.read_bytes() == V2


def test_kept_contents_are_private(store: ContentStore, config: Path) -> None:
    write_file(store, key="run:config", path=config, data=b"password = 1")
    for place in store.folder.rglob("*"):
        assert mode_of(place) & 0o077 == 0, place


def test_no_partial_file_is_left_by_a_failed_write(store: ContentStore, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    with pytest.raises(LedElsewhere):
        writing.put_state(store, folder, FileState(store.put(V2), None))
    assert list(tmp_path.glob(".taken*")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_the_owner_of_the_folder_cannot_have_another_file_read_or_written(
    store: ContentStore, config: Path, tmp_path: Path
) -> None:
    """A worker that is root and a configuration in a folder of the service's own user."""
    shadow, theirs = tmp_path / "shadow", tmp_path / "theirs"
    shadow.write_text("root:x:1\n")
    theirs.mkdir()
    path = theirs / "loja.toml"
    config.rename(path)
    done = write_file(store, key="run:config", path=path, data=V2)
    path.unlink()
    path.symlink_to(shadow)
    for place in (path, theirs):
        os.chown(place, 54321, 54321, follow_symlinks=False)
    for step in (
        lambda: store.capture(path),
        lambda: written(store, "run:config"),
        lambda: write_file(store, key="next:config", path=path, data=V2),
        lambda: restore_file(store, key="undo:config", path=path, state=done.before),
        lambda: remove(path),
    ):
        with pytest.raises(LedElsewhere, match=r"loja\.toml is a link"):
            step()
    assert shadow.read_text() == "root:x:1\n"
    assert [found.name for found in theirs.iterdir()] == ["loja.toml"]
