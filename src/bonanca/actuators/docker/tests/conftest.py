"""A service of two versions in containers of a real daemon, and the certainty that none of it stays."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bonanca.actuators.docker.engine import Engine, Image
from bonanca.actuators.docker.spec import DockerSpec
from bonanca.actuators.process.spec import Health, Replica
from tests.support.docker import make_image

COMMITS = {"v1": "1" * 40, "v2": "2" * 40}


def free_ports(number: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(door.getsockname()[1]) for door in doors]
    for door in doors:
        door.close()
    return ports


@pytest.fixture(scope="session")
def images(dockerd: Engine) -> dict[str, Image]:
    """Two versions that work, and one that ends at once."""
    made = {name: make_image(dockerd, f"loja/api:{name}", name, commit=commit) for name, commit in COMMITS.items()}
    return made | {"broken": make_image(dockerd, "loja/api:broken", "broken", broken=True)}


@pytest.fixture
def spec(dockerd: Engine, images: dict[str, Image], tmp_path: Path) -> Iterator[DockerSpec]:
    """Two replicas of version v1."""
    yield DockerSpec(
        service="loja-api",
        root=tmp_path,
        image=images["v1"].id,
        commit=COMMITS["v1"],
        replicas=tuple(Replica(port) for port in free_ports(2)),
        endpoint=dockerd.endpoint,
        env={"GREETING": "olá"},
        health=Health("/health", timeout_s=15.0),
        stop_timeout_s=5.0,
    )
    for one in dockerd.containers({"bonanca.root": str(tmp_path)}):
        dockerd.remove(one.name)


def versions(spec: DockerSpec) -> list[str]:
    """What each replica answers; "" for one that does not."""
    found = []
    for replica in spec.replicas:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{replica.port}/version", timeout=5) as answer:
                found.append(answer.read().decode())
        except OSError:
            found.append("")
    return found
