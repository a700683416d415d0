"""A disk that is really full (a tiny tmpfs) is survived and named, on this machine and in a place."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.recovery import queries
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.sealing import DiskFull
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.tests.shop import NOW

WORKER = SYSTEM("test")
# Smaller than the shop's sealed database, and one page is the least that a tmpfs has.
TINY = "4k"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 kB that exists in a namespace of its own, and is seen through the process that lives there."""
    folder = tmp_path / "disk"
    folder.mkdir()
    unshare = [shutil.which("unshare") or "unshare", "--mount"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    script = f'mount -t tmpfs -o size={TINY} tmpfs "$1" && echo ready && exec cat'
    keeper = subprocess.Popen(
        [*unshare, "sh", "-c", script, "sh", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    assert keeper.stderr is not None
    try:
        if keeper.stdout.readline() != b"ready\n":
            pytest.skip(f"no file system can be mounted here, not even in a namespace: {keeper.stderr.read().decode()}")
        yield Path(f"/proc/{keeper.pid}/root{folder}")
    finally:
        keeper.stdin.close()
        keeper.wait()
        keeper.stdout.close()
        keeper.stderr.close()


def take(shop):
    return take_backup(service=shop.slug, actor=WORKER, now=NOW)


def test_a_full_disk_on_this_machine_fails_the_backup_with_its_name_and_the_next_one_works(
    shop, tiny_disk, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        staged: Callable[[object], Path] = lambda backup_id: tiny_disk / f"{backup_id}.bnc"  # noqa: E731
        patched.setattr("bonanca.recovery.operations.take_backup.staging_file", staged)
        with pytest.raises(DiskFull, match=f"{tiny_disk} is full"):
            take(shop)
    assert list(tiny_disk.iterdir()) == []
    (failed,) = queries.list_backups(shop.slug)
    assert failed.state is BackupState.FAILED
    assert "is full" in failed.error
    assert take(shop).state is BackupState.STORED


def test_a_full_disk_in_a_place_costs_only_that_copy_and_is_left_free_for_others(shop, tiny_disk):
    shop.declare_backup(replicas=(str(shop.folder / "a"), str(tiny_disk)))
    backup = take(shop)
    assert [r.state for r in backup.replicas] == [ReplicaState.STORED, ReplicaState.FAILED]
    assert backup.replicas[1].error == f"{tiny_disk}: the disk is full"
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == []
    assert copy_backups(now=NOW + timedelta(hours=1)) == 0
    assert queries.get_backup(backup.id).replicas[1].attempts == 2


def test_a_full_disk_on_the_way_from_a_distant_place_is_named(shop, tiny_disk, monkeypatch):
    from bonanca.recovery.places.folder import Folder

    (shop.folder / "b").write_text("in the way")
    backup = take(shop)
    (shop.folder / "b").unlink()
    monkeypatch.setattr(Folder, "local_file", lambda self, name: None)
    monkeypatch.setattr(
        "bonanca.recovery.operations.copy_backups.copy_file", lambda replica_id: tiny_disk / f"{replica_id}.bnc"
    )
    assert copy_backups(now=NOW + timedelta(hours=1)) == 0
    assert f"{tiny_disk} is full" in queries.get_backup(backup.id).replicas[1].error
    assert list(tiny_disk.iterdir()) == []
