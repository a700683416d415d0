"""What `bonanca up` runs: which parts, on which ports, over which database."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.actuators.postgres.ports import PortTaken, free_port, port_is_free
from bonanca.cli.supervisor.child import Part, outcome
from bonanca.cli.supervisor.instance import describe, only_one, write_state
from bonanca.cli.supervisor.leftovers import end_leftovers, started_ticks
from bonanca.cli.supervisor.ready import Readiness
from bonanca.cli.supervisor.supervisor import Stopped, Supervisor
from bonanca.cli.web import DEFAULT_PORT
from bonanca.kernel.errors import Unavailable
from bonanca.kernel.home import bonanca_home

DATABASE = "bonanca"


class DatabaseNotPrepared(Unavailable):
    """The step before the parts start failed; its own lines say why."""


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for. A port of None is chosen; a gateway of None depends on Traefik being there."""

    host: str = "127.0.0.1"
    port: int | None = None
    gateway: bool | None = None
    gateway_host: str = "127.0.0.1"
    gateway_port: int | None = None
    workers: int = 1


class Up:
    """One instance, from its first process to its last."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.home = bonanca_home()
        self.cluster = None if os.environ.get("DATABASE_URL") else Cluster(self.home / "postgres")
        self.supervisor = Supervisor(self.cluster, changed=self._write_state)
        self.gateway = wishes.gateway if wishes.gateway is not None else has_traefik()
        self.port = 0
        self.ready = False

    @property
    def url(self) -> str:
        """Where this machine's browser finds the pages."""
        shown = "127.0.0.1" if self.wishes.host in ("0.0.0.0", "::") else self.wishes.host  # noqa: S104
        return f"http://{shown}:{self.port}"

    def run(self) -> None:
        """Run until a stop is asked for.

        Raises:
            AlreadyRunning, PortTaken, ClusterFailed, DatabaseNotPrepared, PartsKeepDying: everything that was
            started has been ended.
        """
        with only_one(self.home), self.supervisor.attentive():
            for name in end_leftovers(self.home):
                self.supervisor.voice.line(f"{name} was left by an instance that was killed; it has ended now")
            self.port = settle_port(self.wishes.host, self.wishes.port)
            if self.wishes.gateway_port is not None:
                settle_port(self.wishes.gateway_host, self.wishes.gateway_port)
            readiness = Readiness(
                "127.0.0.1" if "127" not in self.wishes.host else self.wishes.host, self.port, self._on_ready
            )
            try:
                self._prepare()
                readiness.start()
                self.supervisor.run(self._parts())
            except Stopped:
                pass
            finally:
                readiness.end()
                self.supervisor.voice.line("stopping")
                self.supervisor.stop()
                self.supervisor.voice.line("stopped")

    def _prepare(self) -> None:
        os.environ["BONANCA_HOME"] = str(self.home)
        os.environ.setdefault("BONANCA_PUBLIC_URL", self.url)
        if self.cluster is not None:
            self._start_database(self.cluster)
        token = ("--gateway-token", str(self._token_file)) if self.gateway else ()
        code = self.supervisor.once(Part("prepare", bonanca("prepare", *token), once=True))
        if self.supervisor.stops:
            raise Stopped
        if code != 0:
            raise DatabaseNotPrepared(f"The database could not be prepared ({outcome(code)}); its lines above say why.")

    def _start_database(self, cluster: Cluster) -> None:
        if not (cluster.data / "PG_VERSION").exists():
            self.supervisor.voice.line(f"creating a PostgreSQL server in {cluster.home}")
        cluster.init()
        cluster.start()
        cluster.wait_ready()
        create_database(cluster, DATABASE)
        self.supervisor.voice.line(f"PostgreSQL answers on 127.0.0.1:{cluster.port} (process {cluster.pid})")

    def _parts(self) -> list[Part]:
        wishes = self.wishes
        parts = [Part("web", bonanca("web", "--host", wishes.host, "--port", str(self.port)))]
        for number in range(1, wishes.workers + 1):
            name = "worker" if wishes.workers == 1 else f"worker{number}"
            parts.append(Part(name, bonanca("worker", "--slot", str(number))))
        if self.gateway:
            entry = ("--port", str(wishes.gateway_port)) if wishes.gateway_port is not None else ()
            options = ("--web", self.url, "--token-file", str(self._token_file), "--host", wishes.gateway_host)
            parts.append(Part("gateway", bonanca("gateway", *options, *entry)))
        return parts

    @property
    def _token_file(self) -> Path:
        return self.home / "run" / "gateway-token"

    def _on_ready(self) -> None:
        self.ready = True
        self._write_state()
        self.supervisor.voice.line(f"ready at {self.url} (data in {self.home}; Ctrl-C ends it)")

    def _write_state(self) -> None:
        parts: dict[str, Any] = {}
        for child in list(self.supervisor.children):
            if (pid := child.pid) is not None:
                parts[child.part.name] = {"pid": pid, "started": started_ticks(pid), "restarts": child.restarts}
        database = {"embedded": False} if self.cluster is None else self._database_facts(self.cluster)
        write_state(
            self.home,
            describe(
                self.home,
                url=self.url,
                host=self.wishes.host,
                port=self.port,
                ready=self.ready,
                written_at=time.time(),
                gateway=self.gateway,
                database=database,
                parts=parts,
            ),
        )

    def _database_facts(self, cluster: Cluster) -> dict[str, Any]:
        return {"embedded": True, "port": cluster.port, "pid": cluster.pid}


def bonanca(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one of our own commands, by this interpreter."""
    return (sys.executable, "-m", "bonanca.cli.main", *arguments)


def has_traefik() -> bool:
    """Tell whether Traefik is installed beside this interpreter or on the PATH."""
    return os.access(Path(sys.executable).parent / "traefik", os.X_OK) or shutil.which("traefik") is not None


def settle_port(host: str, asked: int | None) -> int:
    """Return the port to listen on: the one that was asked for, or the usual one, or a free one.

    Raises:
        PortTaken: the one that was asked for is in use.
    """
    if asked is not None:
        if not port_is_free(asked, host):
            raise PortTaken(
                f"Port {asked} on {host} is taken by another process.",
                field="port",
                hint="Choose another, or leave it out and a free one is found.",
            )
        return asked
    return DEFAULT_PORT if port_is_free(DEFAULT_PORT, host) else free_port(host)


def create_database(cluster: Cluster, name: str) -> None:
    """Create a database in our own server unless it is there."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(cluster.dsn(), autocommit=True, connect_timeout=10) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
