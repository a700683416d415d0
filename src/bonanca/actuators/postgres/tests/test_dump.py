"""A dump is one consistent view, comes back whole, and shows its password to nobody."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from bonanca.actuators.postgres import dump as dumping
from bonanca.actuators.postgres.dump import (
    DumpFailed,
    ServerTooNew,
    contents_of,
    create_empty,
    dump_database,
    exported_snapshot,
    restore_database,
)
from bonanca.actuators.postgres.rows import count_rows
from bonanca.actuators.postgres.sessions import at_database, database_name, session


@pytest.fixture
def shop(scratch_database: str) -> str:
    with psycopg.connect(scratch_database) as connection:
        connection.execute("CREATE TABLE orders (number int PRIMARY KEY)")
        connection.execute("INSERT INTO orders SELECT generate_series(1, 500)")
    return scratch_database


def dumped(dsn: str, folder: Path) -> Path:
    path = folder / "shop.dump"
    with exported_snapshot(dsn) as snapshot, path.open("wb") as out:
        dump_database(dsn, snapshot=snapshot.name, write=out.write)
    return path


def test_a_dump_comes_back_in_another_database(shop, cluster, tmp_path):
    path = dumped(shop, tmp_path)
    target = f"{database_name(shop)}_back"
    create_empty(at_database(shop, target))
    try:
        restore_database(at_database(shop, target), path)
        with session(at_database(shop, target)) as connection:
            assert count_rows(connection) == {"public.orders": 500}
        assert contents_of(path)
    finally:
        with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {target} WITH (FORCE)")


def test_rows_written_after_the_snapshot_are_neither_counted_nor_dumped(shop, tmp_path):
    path = tmp_path / "shop.dump"
    with exported_snapshot(shop) as snapshot, path.open("wb") as out:
        with psycopg.connect(shop) as connection:
            connection.execute("INSERT INTO orders VALUES (501)")
        dump_database(shop, snapshot=snapshot.name, write=out.write)
        assert count_rows(snapshot.connection) == {"public.orders": 500}


def test_a_newer_server_is_refused_with_the_reason(shop, monkeypatch):
    monkeypatch.setattr(dumping, "dump_version", lambda: 14)
    with pytest.raises(ServerTooNew, match="14"), exported_snapshot(shop):
        pass


def test_what_pg_dump_says_reaches_the_reader_and_the_password_does_not(shop):
    with pytest.raises(DumpFailed) as caught:
        dump_database(shop, snapshot="no-such-snapshot", write=lambda data: None)
    assert "no-such-snapshot" in caught.value.message
    password = psycopg.conninfo.conninfo_to_dict(shop)["password"]
    assert password not in caught.value.message


def test_no_password_is_in_the_arguments(shop, tmp_path, monkeypatch):
    seen = []
    real = dumping.dying_with_parent
    monkeypatch.setattr(dumping, "dying_with_parent", lambda command, name: seen.append(command) or real(command, name))
    dumped(shop, tmp_path)
    password = psycopg.conninfo.conninfo_to_dict(shop)["password"]
    assert seen
    assert not any(password in part for part in seen[0])


def test_a_file_that_is_no_dump_is_refused(tmp_path):
    path = tmp_path / "noise.dump"
    path.write_bytes(b"noise" * 100)
    with pytest.raises(DumpFailed):
        contents_of(path)


def test_a_reader_that_stops_ends_pg_dump(shop):
    class FullDisk(Exception):
        pass

    def refuse(data: bytes) -> None:
        raise FullDisk

    with pytest.raises(FullDisk), exported_snapshot(shop) as snapshot:
        dump_database(shop, snapshot=snapshot.name, write=refuse)
