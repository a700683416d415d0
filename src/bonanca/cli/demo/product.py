"""The product as an operator runs it: `bonanca up` as a process, and its other commands beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn
from bonanca.actuators.postgres.ports import free_port
from bonanca.cli.supervisor.instance import read_state
from bonanca.kernel.errors import Unavailable

READY_S = 90.0


class Product:
    """One running instance below a folder."""

    def __init__(self, home: Path, *, smtp_port: int) -> None:
        self.home = home
        self.log = home / "demo-up.log"
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BONANCA_")},
            "BONANCA_HOME": str(home),
            "BONANCA_SMTP_HOST": "127.0.0.1",
            "BONANCA_SMTP_PORT": str(smtp_port),
            "BONANCA_MAIL_FROM": "bonanca@loja.example",
            "PYTHONUNBUFFERED": "1",
        }
        self.env.pop("DATABASE_URL", None)
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until its pages answer.

        Raises:
            Unavailable: it ended or did not answer; the end of its log is in the message.
        """
        self._output = self.log.open("wb")
        argv = dying_with_parent(
            [sys.executable, "-m", "bonanca.cli.main", "up", "--gateway", "--port", str(free_port())], "TERM"
        )
        self._process = spawn(
            lambda: subprocess.Popen(
                argv,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        deadline = time.monotonic() + READY_S
        while not (self.state() or {}).get("ready"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"bonanca up did not start:\n{self.tail()}")
            time.sleep(0.1)

    def state(self) -> dict[str, Any] | None:
        """Return what the running instance says of itself."""
        return read_state(self.home)

    @property
    def url(self) -> str:
        return str((self.state() or {})["url"])

    def worker_pid(self) -> int:
        """Return the process id of the worker that runs now."""
        return int((self.state() or {})["parts"]["worker"]["pid"])

    def gateway_entry(self) -> str:
        """Return the address where visitors come in."""
        stated = json.loads((self.home / "gateway" / "default" / "state.json").read_text())
        return str(stated["entry_url"])

    def command(self, *arguments: str) -> str:
        """Run one `bonanca` command against the instance and return what it printed.

        Raises:
            Unavailable: it failed; its words are in the message.
        """
        done = subprocess.run(
            [sys.executable, "-m", "bonanca.cli.main", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        if done.returncode:
            raise Unavailable(f"bonanca {' '.join(arguments)}: {(done.stderr or done.stdout).strip()[-800:]}")
        return done.stdout

    def tail(self, lines: int = 25) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """End it in order; what does not end in time is killed with all that it started."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._output is not None:
            self._output.close()
