"""A service that systemd runs on another host is deployed over SSH, goes back whole although workers are killed with
SIGKILL in the middle of steps there, and forth again.

The other host is a real systemd with a real sshd beside it, in namespaces of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.promises.instance import Instance
from tests.support.poll import eventually
from tests.support.sshd import Sshd, free_port, running_sshd
from tests.support.systemd import Systemd, running_systemd, why_not

CATALOG = """version: 1
teams: [{slug: loja, members: [{email: ana@loja.example, role: commander}]}]
services:
  - slug: loja-api
    team: loja
    root: %(root)s
    repository: {path: ./loja}
    run:
      systemd: {unit: "loja@{port}.service"}
      host: {ssh: "%(user)s@127.0.0.1", port: %(ssh)d, key_file: %(key)s, known_hosts: %(known)s}
      replicas: [{port: %(one)d}, {port: %(two)d}]
      env: {GREETING: ola}
      health: {path: /version, timeout_s: 20}
      restart: {max: 3, failures: 3}
    migrate: [sh, -c, 'echo "$GREETING" > {release}/migrated']
    config: {file: %(root)s/loja.toml, source: loja.toml}
    verify: [{name: version, http: /version}, {name: suite, command: [sh, -c, "test -f serve.py"]}]
"""
UNIT = """
[Service]
WorkingDirectory={root}/current
ExecStart={python} {root}/current/serve.py {root} %i
TimeoutStopSec=5
"""
SERVE = """
import http.server, pathlib, sys
VERSION = %r
configured = pathlib.Path(sys.argv[1], "loja.toml").read_text().strip()
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(f"{VERSION} {configured}".encode())
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Shop).serve_forever()
"""


class Shop:
    """A running Bonança, and a service of two versions on another host."""

    def __init__(self, folder: Path, systemd: Systemd, sshd: Sshd) -> None:
        self.systemd, self.repository, self.points = systemd, folder / "loja", folder / "points"
        self.points.mkdir()
        self.shas = {version: self._commit(version) for version in ("v1", "v2")}
        self.ports = (free_port(), free_port())
        self.root = systemd.folder / "loja"
        facts: dict[str, Any] = {"root": self.root, "user": sshd.user, "ssh": sshd.port, "key": sshd.key_file}
        facts |= {"known": sshd.known_hosts, "one": self.ports[0], "two": self.ports[1]}
        self.catalog = folder / "bonanca.yaml"
        self.catalog.write_text(CATALOG % facts)
        systemd.unit("loja@.service", UNIT.format(root=self.root, python=f"{sys.base_prefix}/bin/python3"))
        self.bonanca = Instance(folder / "home", smtp_port=1)
        self.bonanca.environment["BONANCA_CRASHPOINTS"] = str(self.points)

    def _commit(self, version: str) -> str:
        self.repository.mkdir(exist_ok=True)
        (self.repository / "loja.toml").write_text(f"for {version}\n")
        (self.repository / "serve.py").write_text(SERVE % version)
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=Ana", "-c", "user.email=ana@loja.example"]
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", version], ["tag", version]):
            subprocess.run(["git", *who, *words], cwd=self.repository, env=env, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.repository, check=True, capture_output=True)
        return head.stdout.decode().strip()

    def asked(self, *words: str) -> Any:
        return json.loads(self.bonanca.said(*words, "--json"))

    def deploy(self, version: str) -> int:
        """Ship a version; the change's number."""
        number = int(self.asked("change", "propose", "loja-api", version)["number"])
        self.bonanca.said("change", "deploy", str(number), "--override", "the first ones", "--wait")
        return number

    def state(self) -> tuple[set[str], str, str]:
        """What is served, the current release and its configuration."""
        answered = set()
        for port in self.ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=5) as answer:
                answered.add(answer.read().decode())
        return answered, (self.root / "current").readlink().name, (self.root / "loja.toml").read_text()

    def approved_and_killed_in(self, plan: str, *points: str) -> None:
        """Start a plan, and kill the worker with SIGKILL when it reaches each of the points, one after the other."""
        for point in points:
            (self.points / point).touch()
        self.bonanca.said("rollback", "approve", plan)
        for point in points:
            eventually(lambda point=point: any(self.points.glob(f"{point}@*")), timeout_s=120)
            [reached] = self.points.glob(f"{point}@*")
            os.kill(int(reached.name.partition("@")[2]), signal.SIGKILL)
            reached.unlink()

    def ended(self, plan: str) -> str:
        def over() -> str:
            state = str(self.asked("rollback", "show", plan)["state"])
            return state if state in ("succeeded", "failed") else ""

        return eventually(over, timeout_s=120, every_s=0.5)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    if reason := why_not():
        pytest.skip(reason)
    (tmp_path / "host").mkdir()
    with running_systemd(tmp_path / "host") as systemd:
        (systemd.folder / "sshd").mkdir()
        with running_sshd(systemd.folder / "sshd", inside=systemd.inside) as sshd:
            made = Shop(tmp_path, systemd, sshd)
            made.bonanca.start()
            try:
                made.bonanca.said("apply", str(made.catalog))
                yield made
            finally:
                made.bonanca.stop()


def test_deployed_rolled_back_through_kills_undone_and_kept_running(shop: Shop) -> None:
    eventually(lambda: shop.bonanca.run("change", "propose", "loja-api", "v1")[0] == 0, timeout_s=60, every_s=1.0)
    shop.bonanca.said("change", "deploy", "1", "--override", "the first one", "--wait")
    at_v1 = shop.state()
    assert at_v1 == ({"v1 for v1"}, shop.shas["v1"][:12], "for v1\n")
    number = shop.deploy("v2")
    at_v2 = shop.state()
    assert at_v2 == ({"v2 for v2"}, shop.shas["v2"][:12], "for v2\n")
    assert (shop.root / "current" / "migrated").read_text() == "ola\n"

    # Killed while units stop there, before `current` moves, and between one unit's start and the other's.
    plan = shop.asked("rollback", "propose", str(number))
    assert "for v1" in plan["preview"]["config_diff"]
    shop.approved_and_killed_in(plan["id"], "systemd.stopped", "ssh.release.decided", "systemd.restarted")
    assert shop.ended(plan["id"]) == "succeeded"
    assert shop.state() == at_v1

    undo = shop.asked("rollback", "undo", plan["id"])
    shop.bonanca.said("rollback", "approve", undo["id"], "--wait")
    assert shop.state() == at_v2

    units = [f"loja@{port}.service" for port in shop.ports]
    replicas = eventually(lambda: shop.asked("service", "status", "loja-api"), timeout_s=30)
    assert sorted(one["name"] for one in replicas) == sorted(units)
    # What crashes is started again, what a person stops is not.
    shop.systemd.run("systemctl", "kill", "--signal=KILL", units[0])
    eventually(lambda: shop.state() == at_v2, timeout_s=60, ignoring=OSError)
    shop.bonanca.said("service", "stop", "loja-api", "--reason", "closed", "--wait")
    assert {shop.systemd.state(unit, "ActiveState") for unit in units} == {"inactive"}
    shop.bonanca.said("service", "restart", "loja-api", "--reason", "open again", "--wait")
    assert shop.state() == at_v2
