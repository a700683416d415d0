"""The archived log is read again: what is damaged or gone in one place comes from another, and all of it is named."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.catalog.spec import PhysicalSpec, WalSpec
from bonanca.durable.queries import list_runs
from bonanca.kernel.audit import history
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import NotAllowed
from bonanca.recovery import queries
from bonanca.recovery.engines import Target
from bonanca.recovery.engines.wal_archive import reach_of
from bonanca.recovery.models import Backup, WalFile
from bonanca.recovery.operations import archive_wal
from bonanca.recovery.operations.check_backup import CopiesDamaged
from bonanca.recovery.operations.check_wal import check_wal, raise_for_wal, scrub_wal
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.watch_readiness import watch_readiness
from bonanca.recovery.tests.commands import app
from bonanca.recovery.tests.shop import NOW, Shop

WORKER = SYSTEM("test")
SERVER = "7300000000000000001"
NAMES = [f"00000001000000000000000{number}" for number in range(1, 5)]


@pytest.fixture
def logged(shop: Shop) -> Shop:
    """A shop with four archived files of a log in two places."""
    shop.declare_backup(physical=PhysicalSpec(wal=WalSpec()))
    backup = shop.service.backup
    assert backup is not None
    for name in NAMES:
        segment = shop.folder / name
        segment.write_bytes(os.urandom(1024) + bytes(1024 * 1024 - 1024))
        archive_wal._seal(shop.slug, backup, SERVER, segment)
    assert archive_wal._store_all(shop.service, backup) == []
    return shop


def copy_of(shop: Shop, place: str, name: str) -> Path:
    return shop.folder / place / shop.slug / "wal" / SERVER / f"{name}.bnc"


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def test_what_is_damaged_or_gone_is_named_and_comes_back_from_the_other_place(logged: Shop) -> None:
    assert check_wal(logged.slug, actor=WORKER, now=NOW).ok
    good = copy_of(logged, "a", NAMES[0]).read_bytes()
    spoil(copy_of(logged, "a", NAMES[0]))
    copy_of(logged, "b", NAMES[1]).unlink()
    found = check_wal(logged.slug, actor=WORKER, now=NOW)
    assert [(one.name, Path(one.place).name) for one in found.wrong] == [(NAMES[0], "a"), (NAMES[1], "b")]
    with pytest.raises(CopiesDamaged, match=NAMES[0]):
        raise_for_wal(found)
    seen = queries.wal_of(logged.slug)
    assert seen is not None
    assert [(one.name, len(one.intact_in)) for one in seen.damaged] == [(NAMES[0], 1), (NAMES[1], 1)]
    watch_readiness(now=utc_now())
    repaired = check_wal(logged.slug, actor=WORKER, now=NOW, repair=True)
    assert (repaired.ok, len(repaired.repaired)) == (True, 2)
    assert copy_of(logged, "a", NAMES[0]).read_bytes() == good
    assert copy_of(logged, "b", NAMES[1]).exists()
    seen = queries.wal_of(logged.slug)
    assert seen is not None
    assert seen.damaged == ()
    said = [entry.action for entry in history(f"service:{logged.slug}")]
    assert said[-4:] == ["wal.damaged", "wal.damaged", "wal.repaired", "wal.repaired"]


def test_what_no_place_has_is_a_gap_before_anything_is_restored(logged: Shop) -> None:
    for place in ("a", "b"):
        spoil(copy_of(logged, place, NAMES[2]))
    found = check_wal(logged.slug, actor=WORKER, now=NOW, repair=True)
    assert not found.ok
    logged.declare_backup(physical=None, jobs=1)
    backup = take_backup(service=logged.slug, actor=WORKER, now=NOW)
    facts = {"system_identifier": SERVER, "timeline": 1, "start_lsn": "0/100000", "stop_lsn": "0/100100"}
    Backup.objects.filter(pk=backup.id).update(engine="physical", facts={**facts, "segment_bytes": 1024 * 1024})
    reach = reach_of(queries.get_backup(backup.id), Target("lsn", "0/4000A0"))
    assert (reach.finding.answer, reach.finding.facts["first"]) == ("no", NAMES[2])


def test_the_scrub_repairs_by_itself_and_a_place_that_does_not_answer_is_no_damage(logged: Shop) -> None:
    spoil(copy_of(logged, "b", NAMES[3]))
    assert scrub_wal(now=utc_now() + timedelta(days=8)) == []
    assert WalFile.objects.exclude(damaged={}).count() == 0
    assert check_wal(logged.slug, actor=WORKER, now=NOW).ok
    (logged.folder / "b").rename(logged.folder / "away")
    found = check_wal(logged.slug, actor=WORKER, now=NOW, repair=True)
    assert {(one.answered, one.repaired) for one in found.wrong} == {(False, False)}
    assert WalFile.objects.exclude(damaged={}).count() == 0
    for place in ("a", "away"):
        spoil(copy_of(logged, place, NAMES[0]))
    (logged.folder / "away").rename(logged.folder / "b")
    WalFile.objects.update(checked_at=None)
    (line,) = scrub_wal(now=utc_now() + timedelta(days=8))
    assert NAMES[0] in line


def test_page_api_and_command(logged: Shop, owner: Any) -> None:
    spoil(copy_of(logged, "a", NAMES[0]))
    runner = CliRunner()
    done = runner.invoke(app, ["check", logged.slug])
    assert done.exit_code != 0
    assert f"DAMAGED   {logged.folder / 'a'} {NAMES[0]}" in done.output
    browser = Client()
    browser.force_login(owner)
    page = browser.get(f"/backups/{logged.slug}/restores/").content.decode()
    assert NAMES[0] in page
    assert "Verificar e reparar o log" in page
    assert browser.post(f"/backups/{logged.slug}/log/check/").status_code == 302
    (run,) = list_runs(subject=f"service:{logged.slug}")
    assert [(step.kind, step.params["repair"]) for step in run.steps] == [("recovery.check_wal", True)]
    assert runner.invoke(app, ["check", logged.slug, "--repair"]).exit_code == 0
    stranger = Actor("person", "x@example", "X", Role.RESPONDER, teams=frozenset({"estoque"}))
    with pytest.raises(NotAllowed):
        check_wal(logged.slug, actor=stranger, now=NOW)
