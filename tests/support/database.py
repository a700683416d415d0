"""One real PostgreSQL for a test session, in a temporary folder of its own: sessions run beside each other."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster

_PREFIX = "bonanca-test-"
_session = pytest.StashKey[tuple[Path, Cluster]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server and point Django at it before its settings are read."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # pytest-xdist: each of its workers has a server of its own, the one who hands out tests needs none
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    cluster = Cluster(folder / "home" / "postgres")
    config.stash[_session] = (folder, cluster)
    cluster.init(durable=False)
    cluster.start(durable=False)
    cluster.wait_ready()
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bonanca")
    os.environ.update(
        BONANCA_HOME=str(folder / "home"),
        DATABASE_URL=cluster.dsn("bonanca"),
        DJANGO_SETTINGS_MODULE="bonanca.config.settings",
    )
    from django.conf import settings

    # Reads the settings now, so that pytest-django finds them configured. A test is one long transaction that waits for
    # other processes; those have their own settings.
    del settings.DATABASES["default"]["OPTIONS"]["options"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server and remove its folder; a killed session's server dies with it, its folder at the next start."""
    if _session not in config.stash:
        return
    folder, cluster = config.stash[_session]
    cluster.kill()  # nobody needs what is in it
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The session's PostgreSQL server. Make databases of your own in it; do not stop it."""
    return request.config.stash[_session][1]


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Leave the session's database to the end of its server, which does not ask who is still connected."""
    return True


@pytest.fixture
def scratch_database(cluster: Cluster) -> Iterator[str]:
    """The DSN of an empty database, dropped after the test."""
    name = f"scratch_{os.urandom(6).hex()}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield cluster.dsn(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _sweep() -> None:
    """Remove the folders of sessions that were killed: their lock, which dies with its process, is free."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = folder / "home" / "postgres" / "lock"
        if not os.access(folder, os.W_OK) or not lock.exists():
            continue
        with lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            shutil.rmtree(folder, ignore_errors=True)
