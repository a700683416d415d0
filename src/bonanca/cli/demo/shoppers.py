"""The visitors: a load generator with an account of its own of what it was told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from bonanca.actuators.postgres.lifeline import dying_with_parent, spawn


class Shoppers:
    """One load generator process."""

    def __init__(self, script: Path, folder: Path, account: Path) -> None:
        self.script = script
        self.live_file = folder / "visitors-live.json"
        self.summary_file = folder / "visitors.json"
        self.account = account
        self.log = folder / "visitors.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, base_url: str, *, rate: float) -> None:
        """Begin to buy."""
        argv = [
            sys.executable,
            str(self.script),
            "--base-url",
            base_url,
            "--account",
            str(self.account),
            "--rate",
            str(rate),
            "--live",
            str(self.live_file),
            "--summary",
            str(self.summary_file),
            "--seed",
            "7",
        ]
        with self.log.open("wb") as output:
            self._process = spawn(
                lambda: subprocess.Popen(
                    dying_with_parent(argv, "TERM"),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def live(self) -> dict[str, Any]:
        """Return the running figures."""
        try:
            figures: dict[str, Any] = json.loads(self.live_file.read_text())
        except (OSError, ValueError):
            return {}
        return figures

    def stop(self) -> dict[str, Any]:
        """Stop buying, wait for the last answers, return the summary."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        try:
            summary: dict[str, Any] = json.loads(self.summary_file.read_text())
        except (OSError, ValueError):
            return {}
        return summary
