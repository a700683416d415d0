"""A real systemd in namespaces of its own, and a web server that it runs: asked here, and over SSH inside."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bonanca.actuators.process.spec import Health, Replica
from bonanca.actuators.ssh.spec import SshHost
from bonanca.actuators.systemd.spec import UnitSpec
from bonanca.durable.context import FenceToken, StepContext
from bonanca.kernel.clock import utc_now
from tests.support.sshd import Sshd, free_port, running_sshd
from tests.support.systemd import Systemd, running_systemd, why_not

RUN = UUID(int=1)
UNIT = """
[Service]
WorkingDirectory={folder}
ExecStart={python} {folder}/web.py %i
Restart=no
TimeoutStopSec=5
"""
# Healthy unless it is told otherwise by a file; hangs when the file says so. A rude one ends with a code when stopped.
WEB = """
import http.server, pathlib, signal, sys, time
here = pathlib.Path(__file__).parent
if (here / "rude").exists():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mood = here / f"mood-{sys.argv[1]}"
        said = mood.read_text().strip() if mood.exists() else "200"
        if said == "hang":
            time.sleep(60)
        self.send_response(int(said)); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *words): pass
if (here / "broken").exists():
    sys.exit("this release is broken")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Web).serve_forever()
"""


@pytest.fixture(scope="session")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    if reason := why_not():
        pytest.skip(reason)
    with running_systemd(tmp_path_factory.mktemp("systemd")) as running:
        yield running


@pytest.fixture(scope="session")
def sshd(systemd: Systemd) -> Iterator[Sshd]:
    """An sshd where that systemd is: over it, its units are another host's."""
    folder = systemd.folder / "sshd"
    folder.mkdir()
    with running_sshd(folder, inside=systemd.inside) as server:
        yield server


@dataclass
class Shop:
    """A service of two units; `spec` says where they are asked from."""

    systemd: Systemd
    spec: UnitSpec
    folder: Path

    def state(self, index: int, name: str) -> str:
        return self.systemd.state(self.spec.parts[index].unit, name)

    def mood(self, index: int, said: str) -> None:
        (self.folder / f"mood-{self.spec.replicas[index].port}").write_text(said)

    def context(
        self, key: str, *, run: UUID = RUN, epoch: int = 1, by: UUID | None = None, **changes: Any
    ) -> StepContext:
        """A step of the run; `by`: asked by the undo that this is the run of."""
        return StepContext(
            run_id=run,
            step_key=key,
            token=FenceToken(by or run, epoch),
            params={**self.spec.to_json(), **changes},
            context={},
            receipts={},
            timeout_s=60,
            now=utc_now,
            progress=lambda fraction, text: None,
            still_mine=lambda: None,
            remaining_s=lambda: 60.0,
        )


@pytest.fixture(params=["here", "over ssh"])
def shop(
    request: pytest.FixtureRequest, systemd: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    folder = systemd.folder / f"shop-{tmp_path.name}"
    folder.mkdir()
    (folder / "web.py").write_text(WEB)
    python = f"{sys.base_prefix}/bin/python3"
    name = f"shop{abs(hash(tmp_path)) % 10**8}"
    systemd.unit(f"{name}@.service", UNIT.format(folder=folder, python=python))
    host: SshHost | None = None
    if request.param == "over ssh":
        server: Sshd = request.getfixturevalue("sshd")
        host = SshHost("127.0.0.1", server.user, server.key_file, server.known_hosts, server.port)
    else:
        # The real systemctl, where that systemd is its own.
        wrapper = tmp_path / "bin" / "systemctl"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join(systemd.inside)} systemctl "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", str(wrapper.parent), prepend=":")
    replicas = (Replica(free_port()), Replica(free_port()))
    spec = UnitSpec("loja", folder / "root", name + "@{port}.service", replicas, health=Health("/", 10.0), host=host)
    yield Shop(systemd, spec, folder)
    for part in spec.parts:
        systemd.run("systemctl", "stop", part.unit, check=False)


@pytest.fixture
def but(shop: Shop) -> Callable[..., UnitSpec]:
    return lambda **changes: replace(shop.spec, **changes)
