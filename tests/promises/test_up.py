"""`bonanca up` runs the product, mends what dies, and leaves nothing behind."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.cli.supervisor.instance import read_state
from bonanca.cli.supervisor.leftovers import started_ticks
from tests.support.poll import eventually


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home of its own"


def bonanca(home: Path, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "BONANCA_HOME")}
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "bonanca.cli.main", *arguments],
            env=environment | {"BONANCA_HOME": str(home)},
            stdout=output,
            stderr=output,
        )


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = tmp_path / "up.log"
    process = bonanca(home, "up", "--no-gateway", log=log)
    try:
        eventually(lambda: process.poll() is not None or (read_state(home) or {}).get("ready"), timeout_s=90)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def state(home: Path) -> dict[str, Any]:
    found = read_state(home)
    assert found is not None
    return found


def status_of(port: int) -> int:
    """Return the HTTP status of the login page, or 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/login/")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def everything_of(home: Path) -> list[int]:
    """Return the living processes whose environment names this home."""
    wanted = f"BONANCA_HOME={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0") and started_ticks(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_it_serves_mends_and_ends(home: Path, running: subprocess.Popen[bytes], tmp_path: Path) -> None:
    first = state(home)
    port = first["port"]
    assert status_of(port) == 200

    # Another one on the same home is refused, and disturbs nothing.
    second = bonanca(home, "up", log=tmp_path / "second.log")
    assert second.wait(30) == 5
    assert f"already runs on {home}" in (tmp_path / "second.log").read_text()

    # Every part that is killed comes back, on the same ports.
    for part in ("web", "worker"):
        before = state(home)["parts"][part]["pid"]
        os.kill(before, signal.SIGKILL)
        eventually(lambda part=part, before=before: state(home)["parts"].get(part, {}).get("pid", before) != before)
    os.kill(first["database"]["pid"], signal.SIGKILL)
    eventually(lambda: state(home)["database"]["pid"] not in (None, first["database"]["pid"]), timeout_s=20)
    assert state(home)["database"]["port"] == first["database"]["port"]
    eventually(lambda: status_of(port) == 200, timeout_s=30)

    # Ctrl-C ends all of it.
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 0
    assert everything_of(home) == []
    assert server_processes(home / "postgres" / "data") == []
    assert status_of(port) == 0


def test_when_it_is_killed_everything_ends_and_it_starts_again(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    for attempt in range(2):
        process = bonanca(home, "up", "--no-gateway", log=log)
        eventually(
            lambda process=process: process.poll() is not None or (read_state(home) or {}).get("ready"), timeout_s=90
        )
        assert process.poll() is None, log.read_text()
        if attempt == 0:
            process.kill()
            process.wait()  # and at once again: what was left is ending meanwhile
    process.terminate()
    assert process.wait(30) == 0
    assert everything_of(home) == []
