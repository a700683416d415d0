"""A primary and a server that follows it, for tests that have one become the other."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg

from bonanca.actuators.postgres import replication as servers
from bonanca.actuators.postgres.binaries import pg_bin, pg_environment
from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.sandbox import choose_sandbox


class Pair:
    """Two servers below one folder. `durable` is needed where one is to be rewound (it asks for full_page_writes)."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder, self.durable = folder, durable
        self.primary, self.standby = Cluster(folder / "one"), Cluster(folder / "two")

    def begin(self) -> None:
        self.primary.init(durable=False)
        self._start(self.primary)
        self.follow(self.standby, self.primary)

    def follow(self, standby: Cluster, primary: Cluster) -> None:
        """Copy the primary into the standby's home and start it as one that follows."""
        standby.home.mkdir(mode=0o700, exist_ok=True)
        if standby.data.exists():
            shutil.rmtree(standby.data)
        (standby.home / "password").write_text(primary.password)
        (standby.home / "password").chmod(0o600)
        address = primary.dsn().replace(f":{primary.password}@", "@")
        how = ["-R", "-X", "stream", "-c", "fast", "--no-sync"]
        command = [pg_bin("pg_basebackup"), "-D", standby.data, *how, "-d", address]
        subprocess.run(command, check=True, env=pg_environment() | {"PGPASSWORD": primary.password}, cwd="/")
        sandbox = choose_sandbox(standby.home)
        for path in (standby.data, *standby.data.rglob("*")):
            sandbox.give(path)
        self._start(standby)

    def _start(self, server: Cluster) -> None:
        server.start(durable=self.durable)
        server.wait_ready()

    def settle(self, database: str = "loja") -> None:
        """After a test: the first server is the primary, the second follows it, whatever the test did."""
        if self.primary.pid is None:
            self._start(self.primary)
        with psycopg.connect(self.primary.dsn(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            admin.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
        if self.standby.pid is None:
            self._start(self.standby)
        if servers.look(self.standby.dsn(database)).in_recovery:
            with psycopg.connect(self.standby.dsn(), autocommit=True) as admin:
                admin.execute("SELECT pg_wal_replay_resume()")
            return
        self.standby.stop()
        self.follow(self.standby, self.primary)

    def end(self) -> None:
        for server in (self.standby, self.primary):
            server.kill()
            server.stop()

    # -- as an operator would declare it ---------------------------------------------------------------------------

    def commands(self, server: Cluster) -> tuple[list[str], list[str]]:
        """(start, stop): the server runs on by itself afterwards, as under an init system."""
        (server.home / "log").mkdir(mode=0o700, exist_ok=True)
        words = server.argv()
        at = words.index("-D")
        sandbox = choose_sandbox(server.home)
        pg_ctl = [str(pg_bin("pg_ctl")), "-D", str(server.data), "-w", "-t", "60"]
        options = " ".join(part if "=" not in part else f"'{part}'" for part in words[at + 2 :])
        start = sandbox.argv([*pg_ctl, "-l", str(server.home / "log" / "postgres.log"), "-o", options, "start"])
        return start, sandbox.argv([*pg_ctl, "-m", "fast", "stop"])
