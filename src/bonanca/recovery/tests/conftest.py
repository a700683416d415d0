"""A PostgreSQL server for services beside Bonança's own, and shops in it. Rooms are imported once Django is ready."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.utils import translation

from bonanca.actuators.postgres.cluster import Cluster

if TYPE_CHECKING:
    from bonanca.recovery.tests.shop import Shop


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
