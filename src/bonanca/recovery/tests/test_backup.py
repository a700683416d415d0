"""A backup is sealed, in several places, and known to be restorable, or it says what is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.actuators.postgres.sessions import DatabaseUnreachable
from bonanca.catalog.spec import BackupCheck
from bonanca.kernel.audit import history
from bonanca.kernel.errors import NotAllowed, NotFound
from bonanca.recovery import folders, queries
from bonanca.recovery.fetching import NoReplicaIntact
from bonanca.recovery.identities import IdentityUnreadable, create_identity_file
from bonanca.recovery.models import Backup, Drill
from bonanca.recovery.operations.begin_backup import BackupRunning, NoBackupDeclared, begin_backup
from bonanca.recovery.operations.begin_drill import NotRestorable
from bonanca.recovery.operations.remove_copies import remove_copies
from bonanca.recovery.operations.sweep import sweep
from bonanca.recovery.operations.take_backup import NoReplicaStored, take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.scratch import DrillNotHeld
from bonanca.recovery.state import BackupState, DrillState, ReplicaState
from bonanca.recovery.tests.shop import NOW

WORKER = SYSTEM("test")


def take(shop):
    return take_backup(service=shop.slug, actor=WORKER, now=NOW)


def nothing_left() -> bool:
    return folders.everything_temporary() == []


def test_a_backup_is_stored_in_every_place_and_readable_by_nobody_without_the_key(shop):
    backup = take(shop)
    assert backup.state is BackupState.STORED
    assert [replica.state for replica in backup.replicas] == [ReplicaState.STORED, ReplicaState.STORED]
    assert dict(backup.row_counts) == {"public.orders": 60, "public.products": 40}
    one, other = (Path(replica.place, backup.object_name).read_bytes() for replica in backup.replicas)
    assert one == other
    assert b"product 7" not in one
    assert b"price_cents" not in one
    assert nothing_left()
    assert [entry.action for entry in history(f"backup:{backup.id}")] == ["backup.started", "backup.stored"]


def test_a_verified_backup_was_restored_checked_and_measured(shop):
    backup = take(shop)
    assert queries.latest_verified_backup(shop.slug) is None
    drill = verify_backup(backup.id, actor=WORKER, now=NOW + timedelta(hours=1))
    assert drill.state is DrillState.PASSED
    found = queries.latest_verified_backup(shop.slug)
    assert found is not None
    assert (found.id, found.state) == (backup.id, BackupState.VERIFIED)
    assert found.verified_at is not None
    assert found.restore_seconds is not None
    assert found.restore_seconds > 0
    assert [replica.state for replica in found.replicas] == [ReplicaState.VERIFIED, ReplicaState.VERIFIED]
    assert drill.evidence["counts"] == {"tables": 2, "rows": 100, "differing": {}}
    assert [check["ok"] for check in drill.evidence["checks"]] == [True, True]
    assert nothing_left()


def test_one_broken_place_does_not_block_the_other(shop):
    (shop.folder / "b").write_text("a file where a directory should be")
    backup = take(shop)
    assert backup.state is BackupState.STORED
    assert [replica.state for replica in backup.replicas] == [ReplicaState.STORED, ReplicaState.FAILED]
    assert str(shop.folder / "b") in backup.replicas[1].error
    assert verify_backup(backup.id, actor=WORKER, now=NOW).state is DrillState.PASSED
    states = [replica.state for replica in queries.get_backup(backup.id).replicas]
    assert states == [ReplicaState.VERIFIED, ReplicaState.FAILED]


def test_without_any_place_the_backup_failed_and_says_why(shop):
    for place in ("a", "b"):
        (shop.folder / place).write_text("in the way")
    with pytest.raises(NoReplicaStored):
        take(shop)
    (backup,) = queries.list_backups(shop.slug)
    assert backup.state is BackupState.FAILED
    assert str(shop.folder / "a") in backup.error
    assert nothing_left()


def test_a_damaged_replica_is_named_and_the_other_is_used(shop):
    backup = take(shop)
    first = Path(backup.replicas[0].place, backup.object_name)
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(data)
    assert verify_backup(backup.id, actor=WORKER, now=NOW).state is DrillState.PASSED
    damaged, good = queries.get_backup(backup.id).replicas
    assert (damaged.state, good.state) == (ReplicaState.DAMAGED, ReplicaState.VERIFIED)
    assert backup.object_name in damaged.error


def test_when_every_replica_is_lost_the_backup_failed(shop):
    backup = take(shop)
    Path(backup.replicas[0].place, backup.object_name).unlink()
    Path(backup.replicas[1].place, backup.object_name).write_bytes(b"noise")
    with pytest.raises(NoReplicaIntact):
        verify_backup(backup.id, actor=WORKER, now=NOW)
    assert queries.get_backup(backup.id).state is BackupState.FAILED
    with pytest.raises(NotRestorable):
        verify_backup(backup.id, actor=WORKER, now=NOW)


def test_a_check_that_does_not_hold_is_named_with_what_came(shop):
    shop.declare_backup(checks=(BackupCheck("SELECT count(*) FROM products", equals=7),))
    backup = take(shop)
    with pytest.raises(DrillNotHeld, match="expected 7, got 40"):
        verify_backup(backup.id, actor=WORKER, now=NOW)
    found = queries.get_backup(backup.id)
    assert found.state is BackupState.STORED
    assert found.last_drill is not None
    assert found.last_drill.state is DrillState.FAILED


def test_a_drill_that_fails_later_takes_the_verdict_back(shop):
    backup = take(shop)
    verify_backup(backup.id, actor=WORKER, now=NOW)
    shop.declare_backup(checks=(BackupCheck("SELECT 1 FROM nowhere", equals=1),))
    with pytest.raises(DrillNotHeld, match="nowhere"):
        verify_backup(backup.id, actor=WORKER, now=NOW)
    assert queries.latest_verified_backup(shop.slug) is None


def test_rows_that_differ_from_the_snapshot_are_named(shop):
    backup = take(shop)
    Backup.objects.filter(pk=backup.id).update(row_counts={"public.orders": 61, "public.products": 40})
    with pytest.raises(DrillNotHeld, match=r"public\.orders has 60 rows, the backup had 61"):
        verify_backup(backup.id, actor=WORKER, now=NOW)


def test_another_persons_key_fails_the_drill_and_not_the_backup(shop, tmp_path):
    backup = take(shop)
    create_identity_file(tmp_path / "stranger.age")
    with pytest.raises(Exception, match="private keys"):
        verify_backup(backup.id, actor=WORKER, now=NOW, identity_file=tmp_path / "stranger.age")
    assert queries.get_backup(backup.id).state is BackupState.STORED


def test_a_key_that_others_may_read_is_refused(shop):
    backup = take(shop)
    (shop.folder / "keys" / "key.age").chmod(0o644)
    with pytest.raises(IdentityUnreadable, match="0644"):
        verify_backup(backup.id, actor=WORKER, now=NOW)


def test_no_private_key_is_in_the_database(shop):
    verify_backup(take(shop).id, actor=WORKER, now=NOW)
    secret = (shop.folder / "keys" / "key.age").read_text().splitlines()[1]
    rows = [*Backup.objects.values_list(), *Drill.objects.values_list()]
    assert secret not in str(rows)


def test_a_database_that_does_not_answer_is_a_failed_backup_with_a_reason(shop):
    (shop.folder / "dsn").write_text("postgresql://u:secret@127.0.0.1:1/x")
    with pytest.raises(DatabaseUnreachable):
        take(shop)
    (backup,) = queries.list_backups(shop.slug)
    assert backup.state is BackupState.FAILED
    assert "127.0.0.1:1" in backup.error
    assert "secret" not in backup.error


def test_what_a_killed_process_left_is_failed_and_removed_by_the_sweep(shop):
    backup = begin_backup(service=shop.slug, actor=WORKER, now=NOW)
    folders.staging_file(backup.id).write_bytes(b"half")
    Path(backup.replicas[0].place, backup.object_name).parent.mkdir(parents=True)
    partial = Path(backup.replicas[0].place, f"{backup.object_name}#1")
    partial.write_bytes(b"half")
    with pytest.raises(BackupRunning):
        take(shop)
    assert sweep(now=NOW) == 0
    Backup.objects.filter(pk=backup.id).update(pid=2**22 + 1)
    assert sweep(now=NOW) == 1
    assert queries.get_backup(backup.id).state is BackupState.FAILED
    assert not partial.exists()
    assert nothing_left()
    assert take(shop).state is BackupState.STORED


def test_an_interrupted_drill_leaves_nothing_in_the_clear(shop):
    backup = take(shop)

    def interrupt(share: float | None, text: str) -> None:
        if share is not None and share >= 0.8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_backup(backup.id, actor=WORKER, now=NOW, progress=interrupt)
    found = queries.get_backup(backup.id)
    assert found.last_drill is not None
    assert found.last_drill.state is DrillState.FAILED
    assert nothing_left()


def test_a_full_disk_is_named(shop, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bonanca.recovery.sealing.dump_database", full)
    with pytest.raises(Exception, match="is full"):
        take(shop)
    assert "is full" in queries.list_backups(shop.slug)[0].error


def test_a_service_without_a_declared_backup_is_told_how(make_shop):
    shop = make_shop(backup=None)
    with pytest.raises(NoBackupDeclared, match=r"bonanca\.yaml"):
        take(shop)
    with pytest.raises(NotFound):
        take_backup(service="nobody", actor=WORKER, now=NOW)


def test_a_responder_of_another_team_may_not(shop):
    stranger = Actor("person", "x@example", "X", Role.RESPONDER, teams=frozenset({"estoque"}))
    with pytest.raises(NotAllowed):
        take_backup(service=shop.slug, actor=stranger, now=NOW)


def test_what_an_interrupted_backup_stored_is_removed_from_its_places(shop, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("bonanca.recovery.operations.take_backup._finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take(shop)
    (failed,) = queries.list_backups(shop.slug)
    assert failed.state is BackupState.FAILED
    assert remove_copies(now=NOW) == 2
    assert [path for name in "ab" for path in (shop.folder / name).rglob("*") if path.is_file()] == []
    assert [r.state for r in queries.get_backup(failed.id).replicas] == [ReplicaState.REMOVED] * 2
