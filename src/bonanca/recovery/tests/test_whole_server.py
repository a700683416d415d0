"""A lost server comes back whole: its data directory is replaced, replays its log, and the old one is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.sessions import at_database
from bonanca.catalog.spec import PhysicalSpec, WalSpec
from bonanca.kernel.clock import utc_now
from bonanca.kernel.errors import NotAllowed
from bonanca.recovery import folders, queries
from bonanca.recovery.cli.restore_server import restores as app
from bonanca.recovery.engines import Target
from bonanca.recovery.operations.archive_wal import archive_wal
from bonanca.recovery.operations.restore_server import NothingKept, preview_server, restore_server, undo_server
from bonanca.recovery.operations.start_restore import RestoreRefused
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.receiving import received_here, stop_receiving
from bonanca.recovery.tests.shop import NOW, Shop, create_shop
from tests.support.poll import eventually

WORKER = SYSTEM("test")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "pg")
    try:
        cluster.init(durable=False)
        cluster.start(durable=False)
        cluster.wait_ready()
        yield cluster
    finally:
        for folder in received_here():
            stop_receiving(folder)
        cluster.kill()
        cluster.stop()
        shutil.rmtree(folders.root() / "wal", ignore_errors=True)


@pytest.fixture
def whole(server: Cluster, tmp_path: Path, db: None) -> Shop:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE lojawhole")
        admin.execute("CREATE DATABASE another")
    shop = create_shop(server.dsn("lojawhole"), "lojawhole", tmp_path)
    shop.declare()
    shop.declare_backup(physical=PhysicalSpec(wal=WalSpec(switch_every_s=3600)))
    return shop


def settled() -> bool:
    seen = queries.wal_of("loja-api")
    return archive_wal(now=utc_now()) == [] and seen is not None and seen.running and seen.waiting == 0


def test_it_comes_back_with_its_log_and_the_old_one_can_be_put_back(whole: Shop, server: Cluster) -> None:
    eventually(settled, timeout_s=60)
    take_backup(service=whole.slug, actor=WORKER, now=utc_now())
    whole.run("INSERT INTO orders (number, total_cents) VALUES (900, 1)")
    lsn = str(whole.ask("SELECT pg_current_wal_insert_lsn()")[0][0])
    with psycopg.connect(at_database(whole.dsn, "postgres"), autocommit=True) as admin:
        (name,) = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)
    from bonanca.recovery.models import WalFile

    eventually(lambda: settled() and WalFile.objects.filter(name=name).exists(), timeout_s=60)
    whole.run("INSERT INTO orders (number, total_cents) VALUES (901, 1)")
    asked = {"service": whole.slug, "data_directory": server.data, "actor": WORKER}
    with pytest.raises(RestoreRefused, match="stop it first"):
        restore_server(**asked, now=utc_now())
    for folder in received_here():
        stop_receiving(folder)
    server.stop()
    identity = server.data.stat().st_ino
    done = restore_server(**asked, now=utc_now(), target=Target("lsn", lsn))
    assert done.kept is not None
    assert Path(done.kept).stat().st_ino == identity
    assert (server.data / "PG_VERSION").exists()
    assert any("pg_ctl" in command for command in done.commands)
    assert [path.name for path in Path(done.kept).parent.iterdir()] == [Path(done.kept).name]
    server.start(durable=False)
    server.wait_ready()
    eventually(lambda: whole.ask("SELECT pg_is_in_recovery()") == [(False,)], timeout_s=60)
    assert whole.numbers()[-1:] == [900]
    assert whole.ask("SELECT count(*) FROM pg_database WHERE datname = 'another'") == [(1,)]
    server.stop()
    back = undo_server(**asked, now=utc_now())
    assert server.data.stat().st_ino == identity
    assert back.kept is not None
    told = CliRunner().invoke(app, ["server", whole.slug, "--data-directory", str(server.data), "--undo", "--json"])
    assert json.loads(told.stdout)["kept"] == back.kept
    assert server.data.stat().st_ino == identity  # asked again, it does not turn round
    server.start(durable=False)
    server.wait_ready()
    assert whole.numbers()[-1:] == [901]


def test_what_stands_in_the_way_is_said_and_nothing_is_touched(whole: Shop, tmp_path: Path) -> None:
    whole.declare_backup(physical=PhysicalSpec())
    take_backup(service=whole.slug, actor=WORKER, now=NOW)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "x").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "PG_VERSION").write_text("9.6\n")

    def refused(path: Path) -> list[str]:
        shown = preview_server(service=whole.slug, data_directory=path, actor=WORKER)
        return [found.key for found in shown.verdict if found.answer == "no"]

    assert refused(tmp_path / "plain") == ["directory"]
    assert refused(tmp_path / "old") == ["version"]
    assert refused(folders.root() / "postgres") == ["directory"]
    assert refused(tmp_path / "nowhere" / "data") == ["folder"]
    assert refused(tmp_path / "fresh") == []
    with pytest.raises(NothingKept):
        undo_server(service=whole.slug, data_directory=tmp_path / "fresh", actor=WORKER, now=NOW)
    stranger = Actor("person", "x@example", "X", Role.RESPONDER, teams=frozenset({"loja"}))
    with pytest.raises(NotAllowed):
        preview_server(service=whole.slug, data_directory=tmp_path / "fresh", actor=stranger)
    runner = CliRunner()
    done = runner.invoke(app, ["server", whole.slug, "--data-directory", str(tmp_path / "plain")])
    assert done.exit_code == 5, done.output
    done = runner.invoke(app, ["server", whole.slug, "--data-directory", str(tmp_path / "fresh"), "--start"])
    assert done.exit_code == 0, done.output
    assert "pg_ctl" in done.output
    assert (tmp_path / "fresh" / "recovery.signal").exists()
