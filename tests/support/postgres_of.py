"""A PostgreSQL server of any major version whose programs this machine has, for a service that is to be kept."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg

from bonanca.actuators.postgres.binaries import PostgresMissing, pg_bin_of, pg_environment
from bonanca.actuators.postgres.leftovers import end_servers, forget_shared_memory
from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.ports import free_port
from bonanca.actuators.postgres.sandbox import choose_sandbox
from tests.support.poll import eventually


class Server:
    """One server below `home`: on loopback TCP with a password, and on a socket of its own for whoever may enter."""

    def __init__(self, home: Path, major: int, **settings: str) -> None:
        self.home, self.major, self.settings = home, major, settings
        self.data = home / "data"
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        # A socket's path has at most 107 bytes.
        self.sockets = Path(tempfile.mkdtemp(prefix="bonanca-test-s"))
        self._child: subprocess.Popen[bytes] | None = None

    def dsn(self, dbname: str = "postgres") -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{dbname}"

    def create(self) -> None:
        """initdb, as whoever PostgreSQL accepts here."""
        self.home.mkdir(parents=True, exist_ok=True)
        sandbox = choose_sandbox(self.home)
        self.data.mkdir(mode=0o700)
        word = self.home / "password"
        word.write_text(self.password)
        for path in (self.data, word, self.sockets):
            sandbox.give(path)
        command = [
            *(str(pg_bin_of(self.major, "initdb")), "--pgdata", str(self.data), "--username=postgres", "--no-sync"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={word}", "--encoding=UTF8", "--locale=C"),
        ]
        subprocess.run(sandbox.argv(command), env=pg_environment(), cwd="/", check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        sandbox = choose_sandbox(self.home)
        settings: Mapping[str, str] = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
            "shared_memory_type": "mmap",
            "dynamic_shared_memory_type": "mmap",
            **self.settings,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [str(pg_bin_of(self.major, "postgres")), "-D", str(self.data), *options]
        argv = sandbox.argv(dying_with_parent(command, "INT"))
        with (self.home / "log").open("ab") as log:
            child = self._child = spawn(
                lambda: subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**pg_environment(), "PATH": os.environ["PATH"]}, cwd="/", start_new_session=True,
                )
            )  # fmt: skip

        def answers() -> bool:
            assert child.poll() is None, (self.home / "log").read_text()[-2000:]
            with psycopg.connect(self.dsn(), connect_timeout=5):
                return True

        eventually(answers, timeout_s=60, ignoring=psycopg.OperationalError)

    def stop(self) -> None:
        """End it at once; nobody needs what it has not written."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGQUIT)
            self._child.wait()
        end_servers(self.data)
        forget_shared_memory(self.data)
        shutil.rmtree(self.sockets, ignore_errors=True)


def programs_of(*majors: int) -> int | None:
    """The first of these versions whose server this machine has."""
    for major in majors:
        try:
            pg_bin_of(major, "initdb")
        except PostgresMissing:
            continue
        return major
    return None
