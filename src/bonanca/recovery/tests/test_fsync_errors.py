"""fsync fails (EIO) wherever recovery makes something durable: nothing half-made counts, and the next attempt works."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.actuators.files.append import append_line
from bonanca.actuators.files.store import ContentStore
from bonanca.actuators.files.write import restore_file, write_file
from bonanca.actuators.git.releases import current_release, recorded, switch_to
from bonanca.recovery import queries
from bonanca.recovery.operations.check_backup import check_backup
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.take_backup import NoReplicaStored, take_backup
from bonanca.recovery.places.base import Parcel, ReplicaProblem
from bonanca.recovery.places.folder import Folder
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.tests.shop import NOW
from tests.support.disks import failing_fsync

WORKER = SYSTEM("test")


@pytest.mark.parametrize("which", range(1, 8))
def test_a_configuration_is_the_old_one_or_the_new_one_and_the_next_attempt_ends_it(tmp_path: Path, which: int) -> None:
    store, config = ContentStore(tmp_path / "store"), tmp_path / "loja.toml"
    config.write_bytes(b"old")
    failed = False
    with failing_fsync(which) as failures:
        try:
            write_file(store, key="one", path=config, data=b"new")
        except OSError:
            failed = True
        assert failed == bool(failures.count)
    assert config.read_bytes() in (b"old", b"new")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []
    done = write_file(store, key="one", path=config, data=b"new")
    assert config.read_bytes() == b"new"
    restore_file(store, key="undo", path=config, state=done.before)
    assert config.read_bytes() == b"old"


@pytest.mark.parametrize("which", range(1, 3))
def test_a_line_that_may_not_be_on_the_disk_is_not_found_there_by_the_next_attempt(tmp_path: Path, which: int) -> None:
    journal = tmp_path / "journal"
    append_line(journal, key="first", line="one")
    with failing_fsync(which), pytest.raises(OSError, match="Input/output error"):
        append_line(journal, key="second", line="two")
    append_line(journal, key="second", line="two")
    assert [line.partition("\t")[0] for line in journal.read_text().splitlines()] == ["one", "two"]


@pytest.mark.parametrize("which", range(1, 5))
def test_a_release_is_the_one_before_or_the_next_and_where_it_stood_is_known(tmp_path: Path, which: int) -> None:
    for name in ("aaa", "bbb"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    switch_to(tmp_path, "aaa", key="first")
    with failing_fsync(which) as failures:
        try:
            switch_to(tmp_path, "bbb", key="second")
        except OSError:
            assert failures.count == 1
    assert current_release(tmp_path) in ("aaa", "bbb")
    switch_to(tmp_path, "bbb", key="second")
    assert current_release(tmp_path) == "bbb"
    known = recorded(tmp_path, "second")
    assert known is not None
    assert known.previous == "aaa"


def test_a_backup_whose_places_cannot_keep_it_is_failed_and_one_place_is_enough(shop) -> None:
    with failing_fsync(1), pytest.raises(NoReplicaStored, match="Input/output error"):
        take_backup(service=shop.slug, actor=WORKER, now=NOW)
    (failed,) = queries.list_backups(shop.slug)
    assert failed.state is BackupState.FAILED
    assert [path for folder in ("a", "b") for path in (shop.folder / folder).rglob("*.bnc")] == []
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert [replica.state for replica in backup.replicas] == [ReplicaState.STORED] * 2


def test_bytes_that_the_disk_refused_are_written_anew_and_never_taken_from_memory(tmp_path: Path) -> None:
    source = tmp_path / "sealed"
    source.write_bytes(b"sealed" * 1000)
    parcel = Parcel(source, "loja/one.bnc", 6000, hashlib.sha256(source.read_bytes()).hexdigest(), None)
    place = Folder(str(tmp_path / "place"))
    with failing_fsync(1), pytest.raises(ReplicaProblem, match="Input/output error"):
        place.store(parcel)
    # After a failed fsync memory shows bytes that the disk has not; comparing them would find them right.
    assert [path for path in (tmp_path / "place").rglob("*") if path.is_file()] == []
    assert place.store(parcel) == 6000
    assert (tmp_path / "place" / "loja" / "one.bnc").read_bytes() == source.read_bytes()


def test_a_copy_that_failed_so_is_made_later_and_is_whole(shop) -> None:
    (shop.folder / "b").write_text("in the way")
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    (shop.folder / "b").unlink()
    with failing_fsync(1):
        assert copy_backups(now=NOW + timedelta(hours=1)) == 0
    assert "Input/output error" in queries.get_backup(backup.id).replicas[1].error
    assert copy_backups(now=NOW + timedelta(hours=3)) == 1
    assert check_backup(backup.id, actor=WORKER, now=NOW + timedelta(hours=4)).ok
