"""The demonstration shop on a real PostgreSQL: its releases from its repository, a seeded database for each test."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from tests.support.poll import eventually

EXAMPLE = Path(__file__).parents[2] / "examples" / "loja"


def run_python(*words: str, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a Python program to its end; its code must be 0."""
    done = subprocess.run([sys.executable, *words], cwd=cwd, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@dataclass
class Shop:
    """A shop's database and configuration, and the process that may serve it."""

    release: Path
    config: Path
    dsn: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it."""
        words = ["-m", "loja.serve", "--port", str(self.port), "--config", str(self.config)]
        self.process = subprocess.Popen([sys.executable, *words], cwd=self.release)

    def serve(self) -> None:
        """Start it and wait until it is healthy."""
        self.launch()
        eventually(lambda: self.get("/health")[0] == 200)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """One request on a connection of its own; JSON comes back read."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers or {})
            answer = connection.getresponse()
            data = answer.read()
            kind = answer.getheader("content-type", "")
            return answer.status, json.loads(data) if "json" in kind else data.decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        try:
            return self.ask("GET", path)[:2]
        except ConnectionError as error:
            return 0, str(error)

    def buy(self, key: str, customer: str = "c-00005", items: dict[int, int] | None = None) -> tuple[int, Any]:
        basket = [{"product_id": product, "quantity": quantity} for product, quantity in (items or {7: 2}).items()]
        body = {"customer": customer, "items": basket}
        return self.ask("POST", "/checkout", body, {"Idempotency-Key": key})[:2]

    def sql(self, query: str) -> Any:
        """The rows of a query."""
        with psycopg.connect(self.dsn) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else None

    def program(self, name: str, *, release: Path | None = None, stdin: str = "") -> str:
        """Run `loja.<name>` of a release and return what it printed."""
        words = ("-m", f"loja.{name}", "--config", str(self.config))
        return run_python(*words, cwd=release or self.release, stdin=stdin).stdout

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The trees of v1 and v2, out of the repository that the demonstration uses."""
    folder = tmp_path_factory.mktemp("loja")
    run_python(str(EXAMPLE / "make_repository.py"), str(folder / "loja.git"))
    trees = {}
    for version in ("v1", "v2"):
        trees[version] = folder / version
        trees[version].mkdir()
        archive = ["git", "-c", f"safe.directory={folder / 'loja.git'}", "-C", str(folder / "loja.git")]
        tar = subprocess.run([*archive, "archive", version], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(trees[version])], input=tar, check=True)
    return trees


@pytest.fixture(scope="session")
def seeded(cluster: Cluster, releases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database as v1's migrations leave it."""
    name = f"loja_seed_{os.urandom(4).hex()}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    shop = Shop(releases["v1"], write_config(tmp_path_factory.mktemp("seed"), cluster.dsn(name)), cluster.dsn(name), 0)
    assert "0001_shop.sql, 0002_seed.sql" in shop.program("migrate")
    assert shop.program("migrate").strip() == "nothing to apply"
    return name


def write_config(folder: Path, dsn: str, release: Path = EXAMPLE / "versions" / "v1") -> Path:
    """The configuration of a release, with its address file beside it."""
    (folder / "dsn").write_text(dsn)
    config = folder / "loja.toml"
    config.write_text((release / "deploy" / "loja.toml").read_text())
    return config


@pytest.fixture(scope="module")
def make_shop(
    cluster: Cluster, seeded: str, releases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Shop]]:
    """Make a shop of a version on a fresh copy of the seeded database."""
    made: list[tuple[Shop, str]] = []

    def make(version: str = "v1") -> Shop:
        name = f"loja_{os.urandom(6).hex()}"
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {seeded} STRATEGY FILE_COPY")
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
        folder = tmp_path_factory.mktemp(name)
        config = write_config(folder, cluster.dsn(name), releases[version])
        shop = Shop(releases[version], config, cluster.dsn(name), port)
        made.append((shop, name))
        return shop

    yield make
    for shop, name in made:
        shop.end()
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Iterator[Shop]:
    """A serving shop, version 1, for one test alone."""
    made = make_shop()
    made.serve()
    yield made
    made.end()


@pytest.fixture(scope="module")
def steady(make_shop: Callable[..., Shop]) -> Iterator[Shop]:
    """A serving shop, version 1, for all tests of a module that leave it well."""
    made = make_shop()
    made.serve()
    yield made
    made.end()
