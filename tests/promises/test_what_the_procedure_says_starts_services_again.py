"""Promise: who types what the resume-everything procedure says has the service again, without Bonança.

In containers of a real daemon, as units of a real systemd, and as units of another host over a real SSH.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bonanca.access.actors import SYSTEM
from bonanca.actuators.docker.engine import Engine
from bonanca.actuators.docker.images import remember
from bonanca.catalog.operations.apply_catalog import apply_catalog
from bonanca.catalog.spec import (
    Catalog,
    ConfigSpec,
    DockerRunSpec,
    HealthSpec,
    HostSpec,
    ReplicaSpec,
    RepositorySpec,
    RunSpec,
    ServiceView,
    TeamSpec,
    UnitsSpec,
)
from bonanca.recovery.procedure_text import markdown
from bonanca.recovery.queries.procedure import procedure
from tests.support.docker import make_image
from tests.support.poll import eventually
from tests.support.sshd import free_port, running_sshd
from tests.support.systemd import Systemd, running_systemd, why_not

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "hush-4711"
# Answers what its release, its configuration and its migration have left.
WEB = """
import http.server, pathlib, sys
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = pathlib.Path(sys.argv[2]).read_text() + pathlib.Path("migrated").read_text()
        self.send_response(200); self.end_headers(); self.wfile.write(said.encode())
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Web).serve_forever()
"""
MIGRATE = "import os, pathlib, sys; pathlib.Path('migrated').write_text(' '.join(sys.argv[1:]))"


def declared(service: ServiceView) -> list[str]:
    """Declare it; returns every line that a person types, as they stand in the document."""
    apply_catalog(
        Catalog(teams=(TeamSpec("loja", "Loja"),), services=(service,)), source="test", actor=SYSTEM("test"), now=NOW
    )
    found = procedure(NOW)
    text = markdown(found)
    assert SECRET not in text
    assert "GREETING" in text
    lines = [line for step in found.steps for line in step.commands if step.service]
    assert all(line in text for line in lines)
    return lines


def typed(lines: list[str], folder: Path, **environment: str) -> None:
    for line in lines:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def checks() -> list[str]:
    return [line for step in procedure(NOW).steps for line in step.checks if line.startswith("curl")]


def said(lines: list[str]) -> str:
    """What the checks say, once they are answered."""

    def asked() -> str:
        done = [subprocess.run(shlex.split(line), capture_output=True, check=False, text=True) for line in lines]
        return "" if any(one.returncode for one in done) else "|".join(one.stdout for one in done)

    return str(eventually(asked, timeout_s=30))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of the service, and a folder of the person who types."""
    work = tmp_path / "work"
    (work / "deploy").mkdir(parents=True)
    (work / "web.py").write_text(WEB)
    (work / "migrate.py").write_text(MIGRATE)
    (work / "deploy" / "it's loja.conf").write_text("as declared, ")
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(work))
    for words in (("init", "-q", "-b", "release"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "typing").mkdir()
    return work


@pytest.mark.django_db
def test_containers(dockerd: Engine, tmp_path: Path) -> None:
    make_image(dockerd, "loja/api:abcdefabcdef", "one")
    port, root = free_port(), tmp_path / "root"
    (root / "releases" / "abcdefabcdef").mkdir(parents=True)
    (root / "current").symlink_to("releases/abcdefabcdef")
    remember(root, "abcdefabcdef", "sha256:" + "0" * 64, key="what ran on the machine that is lost")
    run = RunSpec(
        (),
        (ReplicaSpec(port),),
        HealthSpec("/version", 20),
        env={"GREETING": SECRET},
        docker=DockerRunSpec("loja/api:{commit12}", dockerd.endpoint),
    )
    lines = declared(ServiceView("loja-api", "Loja", "loja", root=root, run=run))
    try:
        typed(lines, tmp_path, GREETING="again")
        assert said(checks()) == "one"
        logs = subprocess.run(
            ["docker", "-H", dockerd.endpoint, "logs", f"loja-api-{port}"], capture_output=True, text=True, check=True
        )
        assert logs.stdout.strip() == f"listening on {port} as again"
    finally:
        dockerd.remove(f"loja-api-{port}")


@pytest.fixture(scope="module")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    if reason := why_not():
        pytest.skip(reason)
    with running_systemd(tmp_path_factory.mktemp("systemd")) as running:
        yield running


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["here", "over ssh"])
def test_units(where: str, systemd: Systemd, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = systemd.folder / f"{where} it's"
    ground.mkdir()
    name, config, python = f"loja-{where[:4]}", ground / "etc" / "loja.conf", f"{sys.base_prefix}/bin/python3"
    root, ports = ground / "root", (free_port(), free_port())
    systemd.unit(
        f"{name}@.service",
        f'[Service]\nWorkingDirectory={root}/current\nExecStart={python} web.py %i "{config}"\nTimeoutStopSec=5\n',
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    run = RunSpec(
        (),
        tuple(ReplicaSpec(port) for port in ports),
        HealthSpec("/", 20),
        env={"GREETING": SECRET},
        python=python,
        systemd=UnitsSpec(name + "@{port}.service"),
    )
    service = ServiceView(
        "loja-api",
        "Loja",
        "loja",
        root=root,
        repository=RepositorySpec(str(clone), "release"),
        config=ConfigSpec(config, "deploy/it's loja.conf"),
        migrate=("{python}", "{release}/migrate.py", "it's", "$HOME", "{config}"),
        run=run,
    )
    try:
        if where == "here":
            wrapper(programs / "systemctl", f'exec {shlex.join(systemd.inside)} systemctl "$@"')
            typed(declared(service), tmp_path / "typing", GREETING="again")
        else:
            place = systemd.folder / "sshd"
            place.mkdir()
            with running_sshd(place, inside=systemd.inside) as sshd:
                keys = f"-i {sshd.key_file} -o UserKnownHostsFile={sshd.known_hosts} -o IdentitiesOnly=yes"
                wrapper(programs / "ssh", f'exec /usr/bin/ssh -F none {keys} "$@"')
                host = HostSpec(sshd.user, "127.0.0.1", sshd.key_file, sshd.known_hosts, sshd.port)
                lines = declared(replace(service, run=replace(run, host=host)))
                typed(lines, tmp_path / "typing", GREETING="again")
        assert said(checks()) == "|".join([f"as declared, it's $HOME {config}"] * 2)
    finally:
        for port in ports:
            systemd.run("systemctl", "stop", f"{name}@{port}.service", check=False)


def wrapper(place: Path, text: str) -> None:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
