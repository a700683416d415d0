"""One running Bonança as its operator has it: a folder, processes, commands. Only the counts look inside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from bonanca.cli.supervisor.instance import read_state
from tests.support.poll import eventually

_BUSY = """SELECT (SELECT count(*) FROM outbox_outboxevent WHERE fanned_out_at IS NULL)
    + (SELECT count(*) FROM outbox_delivery WHERE state = 'pending')
    + (SELECT count(*) FROM notify_message WHERE state IN ('queued', 'sending'))"""


class Instance:
    """`bonanca up --no-gateway` on a folder of its own."""

    def __init__(self, home: Path, *, smtp_port: int) -> None:
        self.home, self.log = home, home.parent / "up.log"
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("BONANCA_", "DATABASE_URL"))}
        self.environment = {
            **keep,
            "BONANCA_HOME": str(home),
            "BONANCA_SMTP_PORT": str(smtp_port),
            "BONANCA_LANG": "en",
            "PYTHONUNBUFFERED": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout_s: float = 90) -> None:
        """Start it and wait until its pages answer."""
        with self.log.open("ab") as output:
            self._process = self.spawn("up", "--no-gateway", stdout=output, stderr=output)
        eventually(self._answers, timeout_s=timeout_s)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(self.log.read_text())
        return bool((read_state(self.home) or {}).get("ready"))

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    def spawn(self, *arguments: str, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE, **env: str) -> Any:
        """Start one `bonanca` command."""
        argv = [sys.executable, "-m", "bonanca.cli.main", *arguments]
        return subprocess.Popen(argv, env={**self.environment, **env}, stdout=stdout, stderr=stderr)

    def run(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        """Run one command to its end; return exit code, output and errors."""
        return ended(self.spawn(*arguments, **env))

    def said(self, *arguments: str) -> str:
        """Run one command that has to succeed, and return what it printed."""
        code, output, errors = self.run(*arguments)
        assert code == 0, (arguments, output, errors)
        return output.strip()

    @property
    def url(self) -> str:
        return str(self.state["url"])

    @property
    def state(self) -> dict[str, Any]:
        found = read_state(self.home)
        assert found is not None, self.log.read_text()
        return found

    def pid(self, part: str) -> int:
        """Return the process id of `web`, `worker` or `database` (0 while it is being started)."""
        state = self.state
        return int((state["database"] if part == "database" else state["parts"].get(part, {})).get("pid") or 0)

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect to its own database."""
        folder = self.home / "postgres"
        return psycopg.connect(
            host="127.0.0.1",
            port=int((folder / "port").read_text()),
            user="postgres",
            password=(folder / "password").read_text().strip(),
            dbname="bonanca",
            autocommit=True,
        )

    def rows(self) -> dict[str, int]:
        """Count the rows of every table once all reactions are done: what refused input must leave as it was."""
        with self.database() as connection:
            eventually(lambda: connection.execute(_BUSY).fetchall() == [(0,)], timeout_s=20)
            tables = connection.execute(
                "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'"
            ).fetchall()
            return {
                name: connection.execute(f'SELECT count(*) FROM "{name}"'.encode()).fetchall()[0][0]
                for (name,) in tables
            }


def ended(process: subprocess.Popen[bytes], timeout_s: float = 60.0) -> tuple[int, str, str]:
    """Wait for a command's end; return exit code, output and errors."""
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    return process.returncode, output.decode(), errors.decode()
