"""The ground of a run: a service's server with pgbench's tables, and Bonança with a server for its own records."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench.peers import PgBackRest
from bonanca.actuators.postgres.binaries import pg_bin_of, pg_environment
from bonanca.actuators.postgres.cluster import Cluster
from tests.support.postgres_of import Server

if TYPE_CHECKING:
    from bonanca.catalog.spec import BackupSpec, ServiceView

DATABASE = "bench"
PHYSICAL, LOGICAL = "bench-server", "bench-database"
# What an operator of such a database would set; the rest is PostgreSQL's default, fsync included.
SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "maintenance_work_mem": "128MB",
}


class Ground:
    """Folders, both servers and the declared services, below one folder. In this process: one a run."""

    def __init__(self, folder: Path, major: int, scale: int, seed: int) -> None:
        self.folder, self.major, self.scale, self.seed = folder, major, scale, seed
        self.home = folder / "bonanca"
        self.records = Cluster(self.home / "postgres")
        self.peer = PgBackRest(folder / "pgbackrest")
        self.server = Server(
            folder / "server", major, **SETTINGS, archive_mode="on", archive_command=self.peer.archive_command()
        )

    def build(self) -> None:
        """Start both servers, fill the service's, set up Bonança and the peer."""
        self.home.mkdir(parents=True)
        self.server.create()
        self.peer.configure(self.server)
        self.server.start()
        self.peer.run("stanza-create")
        with psycopg.connect(self.server.dsn(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {DATABASE}")
        self.pgbench("--initialize", "--quiet", f"--scale={self.scale}")
        self._bonanca()

    def close(self) -> None:
        self.server.stop()
        self.records.stop()

    def pgbench(self, *words: str) -> None:
        self.program("pgbench", *words, self.server.dsn(DATABASE))

    def program(self, name: str, *words: str) -> None:
        argv = [str(pg_bin_of(self.major, name)), *words]
        done = subprocess.run(argv, capture_output=True, text=True, env=pg_environment(), cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-1500:]}")

    def transactions(self, count: int) -> None:
        """So many of pgbench's from the run's seed, and the end of the segment that holds them."""
        self.pgbench("--no-vacuum", f"--random-seed={self.seed}", "--client=4", "--jobs=2", f"-t{max(1, count // 4)}")

    def moment(self) -> str:
        with psycopg.connect(self.server.dsn(), autocommit=True) as admin:
            admin.execute("CREATE TABLE IF NOT EXISTS moments (at timestamptz)")
            row = admin.execute("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF:00')").fetchone()
            assert row is not None
            admin.execute("INSERT INTO moments VALUES (clock_timestamp())")
            return str(row[0])

    def bytes(self) -> int:
        with psycopg.connect(self.server.dsn(), autocommit=True) as admin:
            row = admin.execute("SELECT pg_database_size(%s)", (DATABASE,)).fetchone()
            assert row is not None
            return int(row[0])

    def _bonanca(self) -> None:
        self.records.init()
        self.records.start()
        self.records.wait_ready()
        with psycopg.connect(self.records.dsn(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE bonanca")
        os.environ |= {
            "BONANCA_HOME": str(self.home),
            "DATABASE_URL": self.records.dsn("bonanca"),
            "BONANCA_SECRET_KEY": "bench",
        }
        from bonanca.kernel.boot import setup_django

        setup_django()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self._declare()

    def _declare(self) -> None:
        from bonanca.access.actors import SYSTEM
        from bonanca.catalog.operations.apply_catalog import apply_catalog
        from bonanca.catalog.spec import BackupSpec, Catalog, PhysicalSpec, TeamSpec, WalSpec
        from bonanca.kernel.clock import utc_now
        from bonanca.recovery.identities import create_identity_file

        key = self.home / "keys" / "bench.key"
        self.key = key
        self.recipient = create_identity_file(key)
        whole = PhysicalSpec(full_every_h=1e-9, wal=WalSpec(switch_every_s=3600))

        def policy(name: str, **more: Any) -> BackupSpec:
            places = tuple(str(self.folder / "places" / name / letter) for letter in "ab")
            return BackupSpec(
                24, replicas=places, recipients=(self.recipient,), identity_file=key, min_copies=2, **more
            )

        services = (
            self._service(PHYSICAL, policy(PHYSICAL, physical=whole)),
            self._service(LOGICAL, policy(LOGICAL)),
        )
        catalog = Catalog(teams=(TeamSpec("bench", "Bench"),), services=services)
        apply_catalog(catalog, source="bench", actor=SYSTEM("bench"), now=utc_now())

    def _service(self, slug: str, backup: BackupSpec) -> ServiceView:
        from bonanca.catalog.spec import DatabaseSpec, ServiceView

        dsn = self.folder / "dsn"
        dsn.write_text(self.server.dsn(DATABASE))
        return ServiceView(slug=slug, name=slug, team_slug="bench", database=DatabaseSpec(dsn, DATABASE), backup=backup)


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """A folder that is removed afterwards."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
