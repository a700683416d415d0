"""pgBackRest behind the same door: backups, checks that believe its words, restores to a moment, drills, refusals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.actuators import pgbackrest as program
from bonanca.actuators.pgbackrest import PgBackRestFailed, PgBackRestMissing
from bonanca.catalog.spec import PgBackRestSpec
from bonanca.kernel.clock import utc_now
from bonanca.recovery import folders, queries
from bonanca.recovery.engines import Target, outside_named
from bonanca.recovery.engines.pgbackrest import ServerUnknown
from bonanca.recovery.models import Backup
from bonanca.recovery.operations.check_backup import CopiesDamaged, check_backup, raise_for
from bonanca.recovery.operations.copy_backups import copy_backups
from bonanca.recovery.operations.create_restore_point import create_restore_point
from bonanca.recovery.operations.list_outside import list_outside
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.retry_copy import NothingToRetry, retry_copy
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.state import BackupState, ReplicaState
from bonanca.recovery.tests.logged import moment, order, went_back
from bonanca.recovery.tests.repositories import Kept, archived
from bonanca.recovery.tests.shop import Shop
from bonanca.recovery.verdicts import NO
from bonanca.recovery.views import BackupView

WORKER = SYSTEM("test")
REPO1, REPO2 = "pgbackrest://loja/repo1", "pgbackrest://loja/repo2"


@pytest.fixture
def shop(outside: Shop) -> Shop:
    return outside


def take(shop: Shop) -> BackupView:
    return take_backup(service=shop.slug, actor=WORKER, now=utc_now())


def test_a_backup_in_both_repositories_is_listed_drilled_and_gone_back_from(shop: Shop) -> None:
    first = take(shop)
    assert (first.engine, first.state) == ("pgbackrest", BackupState.STORED)
    assert [(one.place, one.state) for one in first.replicas] == [
        (REPO1, ReplicaState.STORED),
        (REPO2, ReplicaState.STORED),
    ]
    assert first.facts["kinds"] == {REPO1: "full", REPO2: "full"}
    assert first.facts["ciphers"] == {REPO1: "none", REPO2: "aes-256-cbc"}
    drill = verify_backup(first.id, actor=WORKER, now=utc_now())
    assert [check["ok"] for check in drill.evidence["checks"]] == [True, True]
    assert drill.evidence["counts"]["rows"] == 100
    assert [one.state for one in queries.get_backup(first.id).replicas] == [ReplicaState.VERIFIED] * 2
    order(shop, 501)
    at = moment(shop)
    order(shop, 502)
    point = create_restore_point(service=shop.slug, name="before-import", actor=WORKER, now=utc_now())
    order(shop, 503)
    archived(shop)
    assert went_back(shop, Target("time", at)) == [501]
    assert went_back(shop, Target("point", point.name)) == [501, 502]
    assert went_back(shop, Target("latest")) == [501, 502, 503]
    second = take(shop)
    assert second.facts["kinds"] == {REPO1: "incr", REPO2: "incr"}
    assert folders.everything_temporary() == []


def test_a_damaged_repository_is_named_although_verify_ends_well_and_the_other_gives_it_back(
    shop: Shop, kept: Kept
) -> None:
    backup = take(shop)
    label = backup.facts["labels"][REPO1]
    full = label.split("_")[0]
    name = kept.damage("repo1", full)
    kept.run("--repo=1", "verify")  # exits 0: nothing to rely on
    report = check_backup(backup.id, actor=WORKER, now=utc_now(), repair=True)
    assert [(copy.place, copy.ok) for copy in report.copies] == [(REPO1, False), (REPO2, True)]
    with pytest.raises(CopiesDamaged, match=name):
        raise_for(report)
    states = [one.state for one in queries.get_backup(backup.id).replicas]
    assert states == [ReplicaState.DAMAGED, ReplicaState.VERIFIED]
    # Nothing of ours is copied into a repository of pgBackRest.
    with pytest.raises(NothingToRetry, match="Take another backup"):
        retry_copy(backup_id=backup.id, place=REPO1, actor=WORKER, now=utc_now())
    assert copy_backups(now=utc_now(), service=shop.slug) == 0
    drill = verify_backup(backup.id, actor=WORKER, now=utc_now())
    assert [(one["place"], one["ok"]) for one in drill.evidence["replicas"]] == [(REPO1, False), (REPO2, True)]
    # For the tests after this one.
    shutil.rmtree(kept.folder / "repo1")
    kept.run("stanza-create")


def test_backups_taken_without_us_appear_and_what_pgbackrest_let_go_disappears(shop: Shop, kept: Kept) -> None:
    assert list_outside(now=utc_now()) == []
    known = {backup.id for backup in queries.list_backups(shop.slug)}
    kept.run("--repo=1", "backup", "--type=full")
    assert list_outside(now=utc_now()) == []
    (found,) = [backup for backup in queries.list_backups(shop.slug) if backup.id not in known]
    assert (found.taken_by, found.state, [one.place for one in found.replicas]) == (
        "pgBackRest",
        BackupState.STORED,
        [REPO1],
    )
    verify_backup(found.id, actor=WORKER, now=utc_now())
    kept.run("--repo=1", "backup", "--type=full")
    kept.run("--repo=1", "expire", "--repo1-retention-full=1")
    assert list_outside(now=utc_now()) == []
    assert queries.get_backup(found.id).state is BackupState.PRUNED
    assert found.id not in {backup.id for backup in queries.list_backups(shop.slug)}


@contextmanager
def without_backups(*folders: Path) -> Iterator[None]:
    """Repositories that still take the log and have lost their list of backups."""
    for folder in folders:
        (folder / "backup").rename(folder / "away")
    try:
        yield
    finally:
        for folder in folders:
            shutil.rmtree(folder / "backup", ignore_errors=True)
            (folder / "away").rename(folder / "backup")


def test_one_repository_that_refuses_keeps_no_other_and_without_any_nothing_begins(shop: Shop, kept: Kept) -> None:
    repositories = kept.folder / "repo1", kept.folder / "repo2"
    with without_backups(repositories[0]):
        backup = take(shop)
    assert [one.state for one in backup.replicas] == [ReplicaState.GIVEN_UP, ReplicaState.STORED]
    assert "pgBackRest backup ended with code" in backup.replicas[0].error
    with without_backups(*repositories):
        with pytest.raises(PgBackRestFailed, match=r"repo1: .*; repo2: "):
            take(shop)
        shown = propose_restore(service=shop.slug, actor=WORKER, now=utc_now(), backup_id=backup.id)
        assert [found.key for found in shown.verdict if found.answer == NO] == ["places"]


def test_targets_that_cannot_be_reached_are_refused_before_anything_is_unpacked(shop: Shop) -> None:
    take(shop)

    def refusal(target: Target) -> str:
        shown = propose_restore(service=shop.slug, actor=WORKER, now=utc_now(), target=target)
        return "; ".join(found.words for found in shown.verdict if found.answer == NO)

    assert "before this backup" in refusal(Target("time", "2020-01-01T00:00:00+00:00"))
    assert "neither a time" in refusal(Target("time", "yesterday"))
    assert "no restore point" in refusal(Target("point", "nowhere"))
    assert "ends with the segment" in refusal(Target("lsn", "7F/0"))


def test_a_server_that_this_pgbackrest_does_not_know_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "newest_server", lambda version: 9)
    with pytest.raises(ServerUnknown, match="up to 9"):
        take(shop)
    assert not Backup.objects.exists()


def test_without_the_program_and_without_the_stanza_the_refusal_says_what_to_do(
    shop: Shop, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.declare_backup(pgbackrest=PgBackRestSpec("other", kept.config))
    with pytest.raises(PgBackRestFailed) as failed:
        take(shop)
    assert "stanza-create" in f"{failed.value} {failed.value.hint}"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PgBackRestMissing, match="not installed"):
        take(shop)
    assert outside_named("logical") is None
