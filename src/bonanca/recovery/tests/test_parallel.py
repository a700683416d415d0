"""Dumps by several workers: sealed file by file, every table with its sum, restored in parallel."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.dump import contents_of
from bonanca.actuators.postgres.dump_parallel import dump_directory
from bonanca.catalog.spec import FilesSpec, RestoreSpec
from bonanca.recovery import folders, parallel_dump
from bonanca.recovery.envelope import EnvelopeDamaged
from bonanca.recovery.opening import unpack_file
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.parallel_dump import WORTH_BYTES, DumpReader, NoScratchRoom, parallel_for, table_of
from bonanca.recovery.state import DrillState
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.tests.test_restore import restore

WORKER = SYSTEM("test")


def test_it_is_taken_by_workers_verified_and_restored(shop: Shop) -> None:
    (shop.folder / "srv").mkdir()
    (shop.folder / "srv" / "a").write_text("a")
    shop.declare_backup(jobs=2, files=FilesSpec((shop.folder / "srv",)))
    shop.declare(restore=RestoreSpec(jobs=3))
    shop.run('CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."a b" AS SELECT generate_series(1, 7) n')
    shop.run("SELECT lo_from_bytea(0, 'a large object')")
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert (backup.facts["dump"], backup.facts["jobs"]) == ("database", 2)
    assert {"public.orders", "public.products"} < set(backup.facts["tables"])
    assert folders.everything_temporary() == []
    assert verify_backup(backup.id, actor=WORKER, now=NOW).state is DrillState.PASSED
    restore(shop, into=f"{shop.name}_x")
    assert len(shop.numbers(f"{shop.name}_x")) == 60
    assert shop.ask("SELECT count(*) FROM pg_largeobject_metadata", f"{shop.name}_x") == [(1,)]
    sealed = Path(backup.replicas[0].place, backup.object_name)
    unpack_file(sealed, shop.folder / "out", shop.folder / "keys" / "key.age")
    assert any("TABLE DATA public orders" in line for line in contents_of(shop.folder / "out" / "database"))
    assert (shop.folder / "out" / "files" / "srv" / "a").read_text() == "a"


def test_one_stream_is_what_it_was(shop: Shop) -> None:
    shop.declare_backup(jobs=1)
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert "dump" not in backup.facts
    assert verify_backup(backup.id, actor=WORKER, now=NOW).state is DrillState.PASSED


def test_a_finished_file_is_handed_on_before_the_dump_ends(shop: Shop, tmp_path: Path) -> None:
    from bonanca.actuators.postgres.dump import exported_snapshot

    folder, most, taken = tmp_path / "dump", 0, []
    folder.mkdir()
    for number in range(12):
        shop.run(f"CREATE TABLE t{number} AS SELECT g, repeat(md5(g::text), 20) x FROM generate_series(1, 4000) g")

    def take(path: Path) -> None:
        nonlocal most
        most = max(most, len(list(folder.iterdir())))
        taken.append(path.name)
        path.unlink()

    with exported_snapshot(shop.dsn) as snapshot:
        tables = dump_directory(shop.dsn, folder, snapshot=snapshot.name, jobs=2, take=take)
    assert {"public.t0", "public.t11"} < set(tables.values())
    assert taken[-1] == "toc.dat"
    assert len(taken) == len(set(taken)) == len(tables) + 1
    assert most < len(taken)


class _Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_said_before_and_auto_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_dump.shutil, "disk_usage", lambda path: _Disk(10**9, 0, 10**8))
    monkeypatch.setattr(parallel_dump, "auto_jobs", lambda: 4)
    assert parallel_for(1, 10**12, tmp_path / "x") is None
    assert parallel_for(0, WORTH_BYTES - 1, tmp_path / "x") is None
    assert parallel_for(0, 10**9, tmp_path / "x") is None
    found = parallel_for(0, WORTH_BYTES, tmp_path / "x")
    assert found is not None
    assert found.jobs == 4
    with pytest.raises(NoScratchRoom, match="1000 MB") as refused:
        parallel_for(2, 10**9, tmp_path / "x")
    assert "jobs: 1" in (refused.value.hint or "")


def test_a_table_that_is_not_what_was_taken_is_named(tmp_path: Path) -> None:
    def member(name: str, data: bytes) -> tuple[tarfile.TarInfo, Any]:
        found = tarfile.TarInfo(name)
        found.size = len(data)
        return found, io.BytesIO(data)

    reader = DumpReader(tmp_path / "dump")
    reader.take(*member("database/7.dat.gz", b"other"))
    says = {"files": {"7.dat.gz": [5, "0" * 64], "8.dat.gz": [1, "1" * 64]}}
    says |= {"tables": {"7.dat.gz": "public.orders", "8.dat.gz": "public.products"}}
    with pytest.raises(EnvelopeDamaged, match=r"public.orders \(7.dat.gz\), public.products"):
        reader.take(*member("database.json", json.dumps(says).encode()))
    facts = {"tables": {"public.orders": ["7.dat.gz", 5, "0"]}}
    assert table_of(facts, "Chunk 3 … in or after “database/7.dat.gz”") == "public.orders"


def test_damage_names_the_table(shop: Shop, tmp_path: Path) -> None:
    from bonanca.recovery.engines.base import Opening, Target
    from bonanca.recovery.engines.logical import _unbundle
    from bonanca.recovery.identities import read_identity_file

    shop.run(
        "CREATE TABLE big AS SELECT g, md5(random()::text) || md5(random()::text) x FROM generate_series(1, 90000) g"
    )
    shop.declare_backup(jobs=2)
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    sealed = Path(backup.replicas[0].place, backup.object_name)
    data = bytearray(sealed.read_bytes())
    data[len(data) // 2] ^= 1
    sealed.write_bytes(data)
    identities = read_identity_file(shop.service.backup.identity_file)
    opening = Opening(shop.service, backup, Target(), tmp_path, identities, lambda share, text: None)
    with pytest.raises(EnvelopeDamaged, match=r"the table public\.big"):
        _unbundle(sealed, tmp_path / "dump", opening)
