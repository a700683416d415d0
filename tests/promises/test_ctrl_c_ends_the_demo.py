"""Ctrl-C at any moment of the demo leaves no process, and the next run starts clean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.poll import eventually

# What the demo has said when it is interrupted: while it builds the ground, while the product starts, while it deploys.
MOMENTS = ("Bonança demo in", "bonanca.yaml", "Put the new code in place")


def processes_of(folder: Path) -> list[str]:
    """Every process of this machine that names the folder in its command line or works in it."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if str(folder) in words or str(folder) in process.cwd():
                found.append(f"{process.pid} {words[:120]}")
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_leaves_nothing(tmp_path: Path, moment: str) -> None:
    home, log = tmp_path / "home", tmp_path / "demo.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BONANCA_")}
    environment.pop("DATABASE_URL", None)
    with log.open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "bonanca.cli.main", "demo", "--no-stay", "--home", str(home)],
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: moment in log.read_text() or demo.poll() is not None, timeout_s=120)
        assert demo.poll() is None, log.read_text()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=60) == 130, log.read_text()
    finally:
        demo.kill()
    assert processes_of(home) == []
    assert not (tmp_path / "home.lock").exists()
