"""A service small enough to start in a tenth of a second, and the certainty that none of it stays."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bonanca.actuators.process.local import stop_everything
from bonanca.actuators.process.spec import Health, ProcessSpec, Replica

SERVE = """
import os, signal, socket, subprocess, sys
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.environ.get("GRANDCHILD"):
    child = subprocess.Popen(["sleep", "600"])
    print("grandchild", child.pid, flush=True)
if os.path.exists("broken"):
    sys.exit("this release is broken")
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", os.environ.get("DATABASE_URL"), os.environ.get("GREETING"), flush=True)
while True:
    caller, _ = door.accept()
    caller.recv(65536)
    body = open("version").read().encode()
    caller.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    caller.close()
"""


def free_ports(number: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(door.getsockname()[1]) for door in doors]
    for door in doors:
        door.close()
    return ports


def make_release(root: Path, name: str, *, broken: bool = False) -> Path:
    """A release folder that answers with its own name."""
    release = root / "releases" / name
    release.mkdir(parents=True)
    (release / "serve.py").write_text(SERVE)
    (release / "version").write_text(name)
    if broken:
        (release / "broken").touch()
    return release


def point_current(root: Path, name: str) -> None:
    """Make a release the current one."""
    (root / "current").unlink(missing_ok=True)
    (root / "current").symlink_to(Path("releases") / name)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    make_release(tmp_path, "v1")
    point_current(tmp_path, "v1")
    yield tmp_path
    stop_everything(tmp_path, timeout_s=0.2)


@pytest.fixture
def spec(root: Path) -> ProcessSpec:
    """Two replicas of the small service."""
    return ProcessSpec(
        service="loja-api",
        root=root,
        command=("{python}", "-S", "serve.py", "{port}"),
        replicas=tuple(Replica(port) for port in free_ports(2)),
        env={"GREETING": "olá"},
        health=Health("/health", timeout_s=10.0),
        stop_timeout_s=5.0,
    )
