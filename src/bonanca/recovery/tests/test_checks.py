"""Every copy is read and compared; what is damaged is named with its place, marked, told, and made again when asked."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM
from bonanca.kernel.errors import EXIT_CODE
from bonanca.outbox.models import OutboxEvent
from bonanca.recovery import queries
from bonanca.recovery.identities import create_identity_file
from bonanca.recovery.operations.check_backup import CopiesDamaged, NothingToCheck, check_backup
from bonanca.recovery.operations.scrub import scrub
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.watch_readiness import watch_readiness
from bonanca.recovery.places import checking
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.tests.commands import app
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.shop import NOW

WORKER = SYSTEM("test")
WEEK = timedelta(days=7, hours=1)


@pytest.fixture
def backup(shop):
    return take_backup(service=shop.slug, actor=WORKER, now=NOW)


def sealed(backup, number: int) -> Path:
    return Path(backup.replicas[number].place, backup.object_name)


def damage(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


def states(backup) -> list[ReplicaState]:
    return [replica.state for replica in queries.get_backup(backup.id).replicas]


def check(backup, **options):
    return check_backup(backup.id, actor=WORKER, now=NOW, **options)


def test_intact_copies_are_known_by_their_sum_and_with_the_key_chunk_by_chunk(shop, backup):
    assert [copy.authenticated for copy in check(backup).copies] == [False, False]
    report = check(backup, identity_file=shop.service.backup.identity_file)
    assert report.ok
    assert [copy.authenticated for copy in report.copies] == [True, True]
    assert states(backup) == [ReplicaState.VERIFIED] * 2


def test_somebody_elses_key_authenticates_nothing_and_breaks_nothing(backup, tmp_path):
    create_identity_file(tmp_path / "other.age")
    report = check(backup, identity_file=tmp_path / "other.age")
    assert report.ok
    assert not report.copies[0].authenticated


@pytest.mark.parametrize("how", ["flip", "cut", "more", "gone", "header"])
def test_a_damaged_copy_is_named_marked_and_told(shop, backup, how):
    path = sealed(backup, 1)
    if how == "flip":
        damage(path)
    elif how == "header":
        damage(path, 0.0)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif how == "more":
        path.write_bytes(path.read_bytes() + b"x")
    else:
        path.unlink()
    report = check(backup, identity_file=shop.service.backup.identity_file)
    (broken,) = report.damaged
    assert broken.place == backup.replicas[1].place
    assert backup.object_name in broken.error
    assert states(backup) == [ReplicaState.VERIFIED, ReplicaState.DAMAGED]
    check(backup)  # seen again, told once
    (told,) = OutboxEvent.objects.filter(name="recovery.copy.damaged.v1")
    assert told.payload["place"] == broken.place
    assert queries.get_backup(backup.id).state is BackupState.STORED


def test_with_the_key_the_damaged_chunk_is_named(shop, backup):
    damage(sealed(backup, 1), 0.99)
    (broken,) = check(backup, identity_file=shop.service.backup.identity_file).damaged
    assert "Chunk 0" in broken.error


def test_a_repair_replaces_what_is_damaged_from_what_is_intact(backup):
    damage(sealed(backup, 0))
    report = check(backup, repair=True)
    assert report.ok
    assert [copy.repaired for copy in report.copies] == [True, False]
    assert sealed(backup, 0).read_bytes() == sealed(backup, 1).read_bytes()
    assert check(backup).ok


def test_when_every_copy_is_damaged_the_backup_is_lost_and_nothing_is_repaired(backup):
    for number in (0, 1):
        damage(sealed(backup, number))
    assert len(check(backup, repair=True).damaged) == 2
    assert queries.get_backup(backup.id).state is BackupState.FAILED
    with pytest.raises(NothingToCheck):
        check(backup)


def test_a_place_that_does_not_answer_is_not_called_damaged(shop, backup):
    (shop.folder / "b").rename(shop.folder / "unmounted")
    report = check(backup)
    assert not report.ok
    assert [copy.place for copy in report.unread] == [str(shop.folder / "b")]
    assert states(backup) == [ReplicaState.VERIFIED, ReplicaState.STORED]
    assert queries.get_backup(backup.id).state is BackupState.STORED


def test_the_scrub_reads_one_old_copy_at_a_time_and_at_its_pace(shop, backup, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(checking, "sleep", slept.append)
    assert scrub(now=NOW + timedelta(days=6)) is None
    damage(sealed(backup, 1))
    assert scrub(now=NOW + WEEK, rate=1000) == backup.id
    assert max(slept) > backup.size_bytes / 1000 / 2
    assert scrub(now=NOW + WEEK) == backup.id
    assert scrub(now=NOW + WEEK) is None
    assert states(backup) == [ReplicaState.VERIFIED, ReplicaState.DAMAGED]


def test_the_scrub_asks_a_silent_place_again_later(shop, backup):
    for name in "ab":
        (shop.folder / name).rename(shop.folder / f"gone-{name}")
    for _copy in range(2):
        assert scrub(now=NOW + WEEK) == backup.id
    assert scrub(now=NOW + WEEK) is None
    assert scrub(now=NOW + WEEK + timedelta(hours=7)) == backup.id


def test_damage_is_an_alert_until_it_is_repaired(backup):
    watch_readiness(now=NOW)
    damage(sealed(backup, 0))
    check(backup)
    assert watch_readiness(now=NOW).fired == 1
    check(backup, repair=True)
    assert watch_readiness(now=NOW).resolved == 1


def test_the_command_exits_with_an_error_and_names_the_file(shop, backup):
    runner = CliRunner()
    good = runner.invoke(app, ["check", shop.slug], catch_exceptions=False)
    assert good.stdout.count("every chunk authenticated") == 2
    damage(sealed(backup, 1))
    bad = runner.invoke(app, ["check", "--all"])
    assert isinstance(bad.exception, CopiesDamaged)
    assert EXIT_CODE[bad.exception.code] == 1
    assert str(shop.folder / "b") in str(bad.exception)
    assert "DAMAGED" in bad.stdout
    facts = json.loads(runner.invoke(app, ["check", shop.slug, "--repair", "--json"], catch_exceptions=False).stdout)
    assert [copy["repaired"] for copy in facts[0]["copies"]] == [False, True]


def test_a_worker_checks_as_a_plan_and_fails_with_what_is_damaged(shop, backup):
    plan = Plan(shop.slug, change_id="c")
    assert plan.do("recovery.check_backup", backup_id=str(backup.id))["intact"] == [
        replica.place for replica in backup.replicas
    ]
    damage(sealed(backup, 0))
    with pytest.raises(Exception, match="is damaged"):
        plan.do("recovery.check_backup", backup_id=str(backup.id))
