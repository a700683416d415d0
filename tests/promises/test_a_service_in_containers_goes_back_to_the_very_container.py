"""A service in containers is deployed by digest, goes back to the very container that ran before, and forth again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bonanca.actuators.docker.engine import Container, Engine
from tests.promises.instance import Instance, ended
from tests.support.docker import make_image
from tests.support.poll import eventually

CATALOG = """version: 1
teams: [{slug: loja, members: [{email: ana@loja.example, role: commander}]}]
services:
  - slug: loja-api
    team: loja
    root: ./root
    repository: {path: ./loja}
    run:
      docker:
        image: loja/shop:{commit12}
        endpoint: %s
        stop_timeout_s: 3
      replicas: [{port: %d}]
      env: {GREETING: ola}
      health: {path: /health}
    migrate: [sh, -c, "echo migrated by $GREETING"]
    config: {file: ./root/loja.toml, source: loja.toml}
    verify: [{name: version, http: /version}]
"""


class Shop:
    """A running Bonança, and a service of two versions that it runs in containers."""

    def __init__(self, folder: Path, docker: Engine) -> None:
        self.docker, self.repository = docker, folder / "loja"
        self.shas = {version: self._commit(version) for version in ("v1", "v2")}
        for version, sha in self.shas.items():
            make_image(docker, f"loja/shop:{sha[:12]}", version)
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = int(door.getsockname()[1])
        self.root = folder / "root"
        self.root.mkdir()
        self.catalog = folder / "bonanca.yaml"
        self.catalog.write_text(CATALOG % (docker.endpoint, self.port))
        self.bonanca = Instance(folder / "home", smtp_port=1)

    def _commit(self, version: str) -> str:
        self.repository.mkdir(exist_ok=True)
        (self.repository / "loja.toml").write_text(f'version = "{version}"\n')
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=Ana", "-c", "user.email=ana@loja.example"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", version], ["tag", version]):
            subprocess.run(["git", *who, *words], cwd=self.repository, env=env, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.repository, check=True, capture_output=True)
        return head.stdout.decode().strip()

    def said(self, *words: str) -> str:
        """What a command printed that had to succeed; a plan that it waits for may take its time."""
        code, output, errors = ended(self.bonanca.spawn(*words), timeout_s=240)
        assert code == 0, (words, output, errors)
        return output.strip()

    def deploy(self, version: str) -> int:
        """Ship a version; the change's number."""
        number = int(json.loads(self.said("change", "propose", "loja-api", version, "--json"))["number"])
        self.said("change", "deploy", str(number), "--override", "the first ones", "--wait")
        return number

    def approve(self, plan: str) -> None:
        self.said("rollback", "approve", plan, "--wait")

    def status(self) -> tuple[str, int]:
        """The release of the one replica, and how often it was restarted though nobody asked."""
        [replica] = json.loads(self.said("service", "status", "loja-api", "--json"))
        return replica["release"], replica["restarts"]

    def running(self) -> Container:
        [one] = [c for c in self.docker.containers({"bonanca.root": str(self.root)}) if c.running]
        return one

    def answered(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/version", timeout=5) as answer:
            return str(answer.read().decode())

    def state(self) -> tuple[str, str, str]:
        """What is served, the current release and its configuration."""
        return self.answered(), (self.root / "current").readlink().name, (self.root / "loja.toml").read_text()


@pytest.fixture
def shop(tmp_path: Path, dockerd: Engine) -> Iterator[Shop]:
    made = Shop(tmp_path, dockerd)
    try:
        made.bonanca.start(timeout_s=300)
        made.said("apply", str(made.catalog))
        yield made
    finally:
        made.bonanca.stop()
        for one in dockerd.containers({"bonanca.root": str(made.root)}):
            dockerd.remove(one.name)


def test_deployed_rolled_back_undone_and_kept_running(shop: Shop) -> None:
    shop.deploy("v1")
    at_v1, first = shop.state(), shop.running()
    assert at_v1[0] == "v1"
    number = shop.deploy("v2")
    at_v2, second = shop.state(), shop.running()
    assert at_v2 == ("v2", shop.shas["v2"][:12], 'version = "v2"\n')

    # The tag of v1 is moved meanwhile: going back means what ran, not what the tag means by now.
    make_image(shop.docker, f"loja/shop:{shop.shas['v1'][:12]}", "something else")
    plan = json.loads(shop.said("rollback", "propose", str(number), "--json"))
    assert first.image in json.dumps(plan)
    shop.approve(plan["id"])
    assert shop.state() == at_v1
    assert shop.running().id == first.id

    undo = json.loads(shop.said("rollback", "undo", plan["id"], "--json"))
    shop.approve(undo["id"])
    assert shop.state() == at_v2
    assert shop.running().id == second.id

    # What ends by itself is started again, and what a person stopped is not.
    shop.docker.stop(second.name, timeout_s=1)
    eventually(lambda: shop.answered() == "v2", timeout_s=90, ignoring=OSError)
    shop.said("service", "restart", "loja-api", "--reason", "a look", "--wait")
    assert shop.running().id == second.id
    # The status is that of the last look, two seconds ago at most.
    eventually(lambda: shop.status() == (shop.shas["v2"][:12], 0), timeout_s=20)
    shop.said("service", "stop", "loja-api", "--reason", "closed", "--wait")
    assert not [c for c in shop.docker.containers({"bonanca.root": str(shop.root)}) if c.running]
