"""A PostgreSQL server for services beside Bonança's own, and shops in it. Rooms are imported once Django is ready."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.utils import translation

from bonanca.actuators.postgres.cluster import Cluster
from tests.support.poll import eventually
from tests.support.postgres_of import programs_of

if TYPE_CHECKING:
    from bonanca.recovery.tests.repositories import Kept
    from bonanca.recovery.tests.servers import S3Server, Sshd
    from bonanca.recovery.tests.shop import Shop
    from tests.support.pair import Pair


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def shop_server() -> Iterator[Cluster]:
    """The server of the services: one for all tests of the room."""
    # Named like the session's own, so that what a killed session left is removed by the next one's start.
    folder = Path(tempfile.mkdtemp(prefix="bonanca-test-"))
    server = Cluster(folder / "home" / "postgres")
    try:
        server.init(durable=False)
        server.start(durable=False)
        server.wait_ready()
        yield server
    finally:
        server.kill()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_shop(shop_server: Cluster, tmp_path: Path, db: None) -> Iterator[Callable[..., Shop]]:
    """Make a shop with a database of its own; keyword arguments replace parts of its declaration."""
    from bonanca.recovery.tests.shop import create_shop

    made: list[str] = []

    def make(**changes: object) -> Shop:
        name = f"loja{os.urandom(4).hex()}"
        with psycopg.connect(shop_server.dsn(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        made.append(name)
        shop = create_shop(shop_server.dsn(name), name, tmp_path)
        shop.declare(**changes)
        return shop

    yield make
    with psycopg.connect(shop_server.dsn(), autocommit=True) as admin:
        for name in made:
            query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            for (found,) in admin.execute(query, (name,)).fetchall():
                admin.execute(f"DROP DATABASE {found} WITH (FORCE)")


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


@pytest.fixture
def physical(make_shop: Callable[..., Shop]) -> Iterator[Shop]:
    """A shop whose server is backed up whole, with its log."""
    from bonanca.catalog.spec import PhysicalSpec, WalSpec
    from bonanca.recovery import folders, receiving
    from bonanca.recovery.tests.logged import drop_slot

    shop = make_shop()
    shop.declare_backup(physical=PhysicalSpec(wal=WalSpec(switch_every_s=3600)))
    yield shop
    for folder in receiving.received_here():
        receiving.stop_receiving(folder)
    drop_slot(shop)
    shutil.rmtree(folders.root() / "wal", ignore_errors=True)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A server that the distribution's pgBackRest backs up, with two repositories."""
    from bonanca.actuators import pgbackrest as program
    from bonanca.recovery.tests.repositories import Kept

    try:
        newest = program.newest_server(program.version_of())
    except program.PgBackRestMissing as problem:
        pytest.skip(f"{problem}: scripts/test-needs installs it")
    major = programs_of(*range(newest or 18, 12, -1))
    if major is None:
        pytest.skip("no PostgreSQL that this pgBackRest knows: scripts/test-needs installs one")
    found = Kept(tmp_path_factory.mktemp("pgbackrest"), major)
    try:
        found.start()
        yield found
    finally:
        found.server.stop()


@pytest.fixture
def outside(kept: Kept, tmp_path: Path, db: None) -> Iterator[Shop]:
    """A shop whose backups a pgBackRest takes that was there before."""
    from bonanca.catalog.spec import PgBackRestSpec
    from bonanca.recovery.engines.pgbackrest import ENGINE
    from bonanca.recovery.tests.shop import create_shop

    with psycopg.connect(kept.server.dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE loja")
    found = create_shop(kept.server.dsn("loja"), "loja", tmp_path)
    policy = found.service.backup
    assert policy is not None
    spec = PgBackRestSpec("loja", kept.config)
    found.declare(backup=replace(policy, replicas=(), recipients=(), identity_file=None, pgbackrest=spec))
    ENGINE.forget()
    yield found
    with psycopg.connect(kept.server.dsn(), autocommit=True) as admin:
        for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'loja%'").fetchall():
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """A primary and its standby, for all tests of the room."""
    from tests.support.pair import Pair

    folder = Path(tempfile.mkdtemp(prefix="bonanca-test-"))
    found = Pair(folder)
    try:
        found.begin()
        yield found
    finally:
        found.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def paired(pair: Pair, tmp_path: Path, db: None) -> Iterator[Shop]:
    """A shop whose database is on a primary with a standby that follows."""
    from bonanca.actuators.postgres import replication as servers
    from bonanca.catalog.spec import StandbySpec
    from bonanca.recovery.tests.shop import create_shop

    with psycopg.connect(pair.primary.dsn(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE loja")
    found = create_shop(pair.primary.dsn("loja"), "loja", tmp_path)
    (tmp_path / "standby-dsn").write_text(pair.standby.dsn("loja"))
    standby, declared = StandbySpec(tmp_path / "standby-dsn", max_lag_s=60, max_lag_bytes=1e6), found.service.database
    assert declared is not None
    found.declare(database=replace(declared, standby=standby), root=None, config=None)
    eventually(lambda: servers.look(pair.standby.dsn("loja")).streaming, 20.0)
    yield found
    pair.settle()


@pytest.fixture
def replaying_shop(make_shop: Callable[..., Shop], tmp_path: Path) -> Shop:
    """A shop whose replay command applies rows again."""
    from bonanca.recovery.tests.replaying import REPLAY

    (tmp_path / "replay.py").write_text(REPLAY)
    return make_shop(replay=(sys.executable, str(tmp_path / "replay.py"), str(tmp_path / "dsn")))


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A place for backups behind SSH."""
    from bonanca.recovery.tests.servers import running_sshd

    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A place for backups that speaks S3."""
    from bonanca.recovery.tests.servers import running_s3

    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
