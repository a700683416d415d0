"""A worker that dies while it copies or swaps a database leaves the old one or the new one, and always an open one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from tests.support.poll import eventually

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Scene:
    """One small database on a server, and workers that are started on it."""

    cluster: Cluster
    name: str
    points: Path
    run: str = field(default_factory=lambda: str(uuid.uuid4()))
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def worker(self, what: str, epoch: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.faults.support.database_worker", what, self.cluster.dsn(self.name)]
        child = subprocess.Popen(
            [*command, self.name, self.run, str(epoch)],
            cwd=ROOT,
            env={**os.environ, "BONANCA_CRASHPOINTS": str(self.points)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.workers.append(child)
        return child

    def at_point(self, what: str, name: str) -> subprocess.Popen[str]:
        """A worker of epoch 1 that waits at a crash point."""
        (self.points / name).touch()
        child = self.worker(what, 1)
        eventually(lambda: (self.points / f"{name}@{child.pid}").exists())
        return child

    def take_over(self, what: str) -> dict:
        out, err = self.worker(what, 2).communicate(timeout=30)
        assert out, err
        return json.loads(out)

    def ask(self, query: str, database: str | None = None) -> list[tuple]:
        with psycopg.connect(self.cluster.dsn(database or self.name), connect_timeout=5) as connection:
            return connection.execute(query).fetchall()

    def databases(self) -> list[str]:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, '{name}') ORDER BY 1"
        return [name for (name,) in self.ask(query.format(name=self.name), "postgres")]


@pytest.fixture
def scene(cluster: Cluster, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(cluster, f"kill{os.urandom(4).hex()}", tmp_path)
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {scene.name}")
        with psycopg.connect(cluster.dsn(scene.name)) as connection:
            connection.execute("CREATE TABLE orders AS SELECT g AS number FROM generate_series(1, 500) g")
        yield scene
        for child in scene.workers:
            child.kill()
            child.communicate()
        for name in scene.databases():
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


@pytest.mark.parametrize("point", ["postgres.copy.before", "postgres.copy.made"])
def test_killed_around_the_copy(scene, point):
    kill(scene.at_point("copy", point))
    assert scene.ask("SELECT count(*) FROM orders") == [(500,)]
    facts = scene.take_over("copy")
    assert facts["made"] == (point == "postgres.copy.before")
    assert scene.ask("SELECT count(*) FROM orders", f"{scene.name}_pin") == [(500,)]
    assert scene.databases() == [scene.name, f"{scene.name}_pin"]


def test_killed_while_the_server_copies(scene):
    with psycopg.connect(scene.cluster.dsn(scene.name)) as connection:
        connection.execute("CREATE TABLE bulk AS SELECT g, repeat('x', 700) AS x FROM generate_series(1, 150000) g")
    child = scene.worker("copy", 1)
    running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query ^@ 'CREATE DATABASE'"
    eventually(lambda: scene.ask(running, "postgres"), every_s=0.005)
    kill(child)
    # New connections may wait for what the server still does; they are never refused, and nobody has to repair.
    assert scene.ask("SELECT count(*) FROM orders") == [(500,)]
    scene.take_over("copy")
    assert scene.ask("SELECT count(*) FROM bulk", f"{scene.name}_pin") == [(150000,)]
    assert scene.databases() == [scene.name, f"{scene.name}_pin"]


def prepared(scene) -> None:
    with psycopg.connect(scene.cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {scene.name}_new TEMPLATE {scene.name}")
    with psycopg.connect(scene.cluster.dsn(scene.name)) as connection:
        connection.execute("INSERT INTO orders VALUES (501)")


def swapped(scene) -> None:
    assert scene.ask("SELECT count(*) FROM orders") == [(500,)]
    assert scene.ask("SELECT count(*) FROM orders", f"{scene.name}_kept") == [(501,)]
    assert scene.databases() == [scene.name, f"{scene.name}_kept"]
    query = f"SELECT count(*) FROM bonanca_effect WHERE key = '{scene.run}:swap'"
    assert scene.ask(query, "postgres") == [(1,)]


def test_killed_between_the_renames_and_their_commit(scene):
    prepared(scene)
    kill(scene.at_point("swap", "postgres.swap.renamed"))
    # Fully old: neither rename is left of the transaction.
    assert eventually(lambda: scene.ask("SELECT count(*) FROM orders"), ignoring=psycopg.Error) == [(501,)]
    assert scene.databases() == [scene.name, f"{scene.name}_new"]
    scene.take_over("swap")
    swapped(scene)


def test_killed_right_after_the_swap(scene):
    prepared(scene)
    child = scene.worker("swap", 1)
    eventually(lambda: f"{scene.name}_kept" in scene.databases(), every_s=0.005)
    kill(child)
    scene.take_over("swap")
    swapped(scene)


def test_a_stopped_worker_is_overtaken_and_can_do_nothing_when_it_wakes_up(scene):
    prepared(scene)
    zombie = scene.at_point("swap", "postgres.swap.renamed")
    zombie.send_signal(signal.SIGSTOP)
    (scene.points / f"postgres.swap.renamed@{zombie.pid}").unlink()
    scene.take_over("swap")
    swapped(scene)
    zombie.send_signal(signal.SIGCONT)
    zombie.communicate(timeout=30)
    assert zombie.returncode != 0
    swapped(scene)
