"""The whole server goes back to any moment that its archived log reaches, as often as one likes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.sessions import at_database
from bonanca.catalog.spec import PhysicalSpec, RetentionSpec, WalSpec
from bonanca.kernel.clock import utc_now
from bonanca.recovery import folders, queries, receiving
from bonanca.recovery.engines import Target
from bonanca.recovery.engines.wal_archive import reach_of
from bonanca.recovery.models import Backup, WalFile
from bonanca.recovery.operations.archive_wal import archive_wal
from bonanca.recovery.operations.create_restore_point import PointExists, create_restore_point
from bonanca.recovery.operations.expire_wal import expire_wal
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.state import BackupState, ReplicaState, RestoreMode
from bonanca.recovery.tests.logged import WORKER, begin, drop_slot, moment, order, switch, take, went_back
from bonanca.recovery.tests.shop import Shop
from bonanca.recovery.tests.test_restore import restore
from bonanca.recovery.verdicts import NO
from tests.support.poll import eventually


@pytest.fixture(scope="module", autouse=True)
def _summaries(shop_server: Cluster) -> Iterator[None]:
    with psycopg.connect(shop_server.dsn(), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET summarize_wal = on")
        admin.execute("SELECT pg_reload_conf()")
        yield
        admin.execute("ALTER SYSTEM RESET summarize_wal")
        admin.execute("SELECT pg_reload_conf()")


def test_a_full_backup_and_one_on_top_of_it_come_back_and_prove_it(physical: Shop) -> None:
    full = take(physical)
    assert (full.engine, full.parent_id, full.state) == ("physical", None, BackupState.STORED)
    order(physical, 501)
    second = take(physical)
    assert second.parent_id == full.id
    assert second.size_bytes < full.size_bytes
    sealed = Path(second.replicas[0].place, second.object_name).read_bytes()
    assert b"PG_VERSION" not in sealed
    drill = verify_backup(second.id, actor=WORKER, now=utc_now())
    assert drill.evidence["counts"]["rows"] == 101
    assert [check["ok"] for check in drill.evidence["checks"]] == [True, True]
    states = [replica.state for replica in queries.get_backup(second.id).replicas]
    assert states == [ReplicaState.VERIFIED, ReplicaState.VERIFIED]
    assert folders.everything_temporary() == []


def test_a_second_restore_to_the_same_target_gives_the_same_and_so_do_points_and_positions(physical: Shop) -> None:
    begin(physical)
    take(physical)
    order(physical, 501)
    at = moment(physical)
    order(physical, 502)
    point = create_restore_point(service=physical.slug, name="before-import", actor=WORKER, now=utc_now())
    with pytest.raises(PointExists):
        create_restore_point(service=physical.slug, name="before-import", actor=WORKER, now=utc_now())
    order(physical, 503)
    lsn = str(physical.ask("SELECT pg_current_wal_flush_lsn()")[0][0])
    order(physical, 504)
    switch(physical)
    assert went_back(physical, Target("time", at)) == [501]
    # A second time to the same target, although the first restore was promoted to a timeline of its own.
    assert went_back(physical, Target("time", at)) == [501]
    assert went_back(physical, Target("point", point.name)) == [501, 502]
    assert went_back(physical, Target("lsn", lsn)) == [501, 502, 503]
    assert went_back(physical, Target("latest")) == [501, 502, 503, 504]
    (kept, *_others) = queries.kept_databases(physical.slug)
    assert kept.database == f"{physical.name}_back"


def test_a_swap_to_a_time_can_be_undone(physical: Shop) -> None:
    begin(physical)
    take(physical)
    order(physical, 501)
    at = moment(physical)
    physical.run("DELETE FROM orders")
    switch(physical)
    run = restore(physical, target=Target("time", at), mode=RestoreMode.SWAP)
    assert len(physical.numbers()) == 61
    run.undo()
    assert physical.numbers() == []


def test_what_is_not_archived_yet_is_read_from_the_receiver(physical: Shop) -> None:
    begin(physical)
    take(physical)
    order(physical, 501)
    point = create_restore_point(service=physical.slug, name="now", actor=WORKER, now=utc_now())

    def caught_up() -> bool:
        archive_wal(now=utc_now())
        return queries.wal_of(physical.slug).lag_bytes == 0

    eventually(caught_up, timeout_s=60)
    assert went_back(physical, Target("point", point.name)) == [501]


def test_missing_log_is_named_with_the_gap_before_anything_is_touched(physical: Shop) -> None:
    begin(physical)
    take(physical)
    names = []
    for number in (501, 502, 503):
        order(physical, number)
        switch(physical)
        names.append(WalFile.objects.order_by("-number").values_list("name", flat=True)[0])
    WalFile.objects.get(name=names[1]).delete()
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now(), target=Target("latest"))
    (wrong,) = [found.words for found in shown.verdict if found.answer == NO]
    assert f"missing from {names[1]} to {names[1]}" in wrong
    late = (utc_now() + timedelta(hours=1)).isoformat()
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now(), target=Target("time", late))
    assert any("ends at" in found.words for found in shown.verdict if found.answer == NO)
    early = "2020-01-01T00:00:00+00:00"
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now(), target=Target("time", early))
    assert any("before this backup" in found.words for found in shown.verdict if found.answer == NO)
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now(), target=Target("time", "yesterday"))
    assert any("neither a time" in found.words for found in shown.verdict if found.answer == NO)
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now(), target=Target("point", "nowhere"))
    assert any("no restore point" in found.words for found in shown.verdict if found.answer == NO)


def test_a_receiver_that_is_killed_misses_nothing_and_leaves_only_the_open_segment_in_the_clear(physical: Shop) -> None:
    begin(physical)
    take(physical)
    order(physical, 501)
    switch(physical)
    (folder,) = receiving.received_here()
    os.kill(receiving._receivers[folder].child.pid, signal.SIGKILL)
    order(physical, 502)
    receiving._receivers[folder].child.wait()
    assert any("pg_receivewal ended" in problem for problem in archive_wal(now=utc_now()))
    switch(physical)
    assert went_back(physical, Target("latest")) == [501, 502]
    assert [path.suffix for path in folder.iterdir()] == [".partial"]
    assert list(folders.sealed_wal_folder(physical.slug).iterdir()) == []
    place = Path(physical.service.backup.replicas[0])
    assert len(list(place.glob("*/wal/*/*.bnc"))) == WalFile.objects.count()


def test_log_that_the_server_no_longer_has_is_a_gap_that_is_said_and_not_a_receiver_that_never_starts(
    physical: Shop,
) -> None:
    begin(physical)
    (folder,) = receiving.received_here()
    receiving.stop_receiving(folder)
    drop_slot(physical)
    # As if it had stood still since the server's first segment, which is gone after two checkpoints.
    for partial in folder.iterdir():
        partial.unlink()
    (folder / "000000010000000000000001.partial").write_bytes(bytes(16 * 1024 * 1024))
    for number in (501, 502):
        order(physical, number)
        with psycopg.connect(at_database(physical.dsn, "postgres"), autocommit=True) as admin:
            admin.execute("SELECT pg_switch_wal()")
            admin.execute("CHECKPOINT")
    eventually(lambda: any("has a gap" in said for said in archive_wal(now=utc_now())), timeout_s=60)
    begin(physical)
    take(physical)
    order(physical, 503)
    switch(physical)
    assert went_back(physical, Target("latest")) == [501, 502, 503]


def test_a_place_that_is_down_gets_its_log_later_and_the_other_has_it(physical: Shop) -> None:
    begin(physical)
    take(physical)
    broken = physical.folder / "b"
    hidden = broken.rename(physical.folder / "hidden")
    broken.write_text("in the way")
    order(physical, 501)
    with psycopg.connect(at_database(physical.dsn, "postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_switch_wal()")
    eventually(lambda: any(str(broken) in said for said in archive_wal(now=utc_now())), timeout_s=60)
    assert went_back(physical, Target("latest")) == [501]
    assert queries.wal_of(physical.slug).waiting >= 1
    broken.unlink()
    hidden.rename(broken)
    from bonanca.recovery.operations import archive_wal as module

    module._resting.clear()
    eventually(lambda: archive_wal(now=utc_now()) == [] and queries.wal_of(physical.slug).waiting == 0, timeout_s=60)


def test_log_that_no_backup_needs_is_removed(physical: Shop) -> None:
    begin(physical)
    first = take(physical)
    order(physical, 501)
    switch(physical)
    physical.declare_backup(physical=PhysicalSpec(full_every_h=1e-9, wal=WalSpec(3600)))
    second = take(physical)
    order(physical, 502)
    switch(physical)
    assert second.parent_id is None
    # What was received before the first backup goes; all that either of the two needs stays.
    assert expire_wal(now=utc_now()) == []
    before = WalFile.objects.count()
    assert expire_wal(now=utc_now()) == []
    assert WalFile.objects.count() == before
    Backup.objects.filter(pk=first.id).update(state=BackupState.FAILED)
    assert expire_wal(now=utc_now()) == []
    assert 0 < WalFile.objects.count() < before
    assert went_back(physical, Target("latest")) == [501, 502]


def test_the_retention_policy_keeps_what_newer_backups_stand_on(physical: Shop) -> None:
    physical.declare_backup(retention=RetentionSpec(last=1, daily=0, weekly=0, monthly=0, yearly=0))
    full = take(physical)
    take(physical)
    third = take(physical)
    assert [one.parent_id for one in (full, third)] == [None, queries.list_backups(physical.slug)[1].id]
    plan = queries.retention_plan(physical.slug, now=utc_now() + timedelta(days=4000))
    assert all(row.stays for row in plan.rows)
    assert "stands on it" in next(" ".join(row.why) for row in plan.rows if row.backup_id == full.id)


def test_an_earlier_backup_of_the_chain_that_is_lost_is_named(physical: Shop) -> None:
    full = take(physical)
    second = take(physical)
    for replica in full.replicas:
        Path(replica.place, full.object_name).unlink()
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now(), backup_id=second.id)
    assert [found.key for found in shown.verdict if found.answer == NO] == ["chain"]


def test_a_version_whose_programs_are_not_here_is_refused(physical: Shop) -> None:
    backup = take(physical)
    Backup.objects.filter(pk=backup.id).update(server_version=13)
    shown = propose_restore(service=physical.slug, actor=WORKER, now=utc_now())
    assert "PostgreSQL 13" in next(found.words for found in shown.verdict if found.key == "programs")


def test_a_dump_goes_back_to_its_own_moment_only(shop: Shop) -> None:
    take(shop)
    shown = propose_restore(
        service=shop.slug, actor=WORKER, now=utc_now(), target=Target("time", datetime.now(UTC).isoformat())
    )
    assert [found.key for found in shown.verdict if found.answer == NO] == ["target"]
    assert replace(Target(), kind="backup") == Target()


def test_after_a_promotion_both_timelines_are_followed_as_far_as_they_lead(physical: Shop) -> None:
    """The archive of a server that was promoted in segment 5: timeline 2 begins there, timeline 1 went on to 6."""
    backup = take(physical)
    facts = {**backup.facts, "system_identifier": "7", "timeline": 1, "start_lsn": "0/3000028", "stop_lsn": "0/3000120"}
    Backup.objects.filter(pk=backup.id).update(facts=facts)
    backup = queries.get_backup(backup.id)

    def archived(timeline: int, number: int) -> None:
        name = f"{timeline:08X}00000000{number:08X}"
        WalFile.objects.create(
            service=physical.slug,
            system_identifier=facts["system_identifier"],
            name=name,
            timeline=timeline,
            number=number,
            received_at=utc_now(),
        )

    for timeline, number in ((1, 3), (1, 4), (1, 5), (1, 6), (2, 5), (2, 6), (2, 7)):
        archived(timeline, number)
    WalFile.objects.create(
        service=physical.slug,
        system_identifier=facts["system_identifier"],
        name="00000002.history",
        timeline=2,
        history="1\t0/5000060\tno recovery target specified\n",
        received_at=utc_now(),
    )

    def files(target: Target) -> list[str]:
        return sorted(file.name[7:8] + file.name[-2:] for file in reach_of(backup, target).files)

    # Position 0/6… exists twice: on the backup's own timeline, or on the one that is asked for.
    assert files(Target("lsn", "0/6000000")) == ["103", "104", "105", "106"]
    on_second = reach_of(backup, Target("lsn", "0/6000000", timeline=2))
    assert on_second.settings["timeline"] == "2"
    assert "00000002.history" in [file.name for file in on_second.files]
    assert reach_of(backup, Target("latest")).settings["timeline"] == "2"
