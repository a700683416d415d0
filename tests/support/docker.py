"""A Docker daemon of the tests' own, and images of a service small enough to start in a tenth of a second."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bonanca.actuators.docker.engine import REVISION, Engine, EngineAway, Image
from tests.support.poll import eventually
from tests.support.privileges import NET_ADMIN, SYS_ADMIN, may_not

# Answers its version on every path below /, and ends at once when it is told to (a shell that is process 1 has to
# ask for that). BROKEN in the image's files: it ends by itself with words of its own.
SERVE = """#!/bin/sh
trap 'exit 0' TERM
if [ -e /BROKEN ]; then echo "this release is broken"; exit 3; fi
echo "listening on ${PORT} as ${GREETING}"
httpd -f -p ${BIND-127.0.0.1:}${PORT} -h /www &
wait
"""
_PASSWORD, _HASH = "bonanca-test", "$2y$05$abcdefghijklmnopqrstuuo21g1EW35ywX6oH1glKx9OcwPee9FIO"
_FLAGS = ("--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none")


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Engine]:
    """The daemon, started when the first test asks for it, and gone with everything in it afterwards."""
    if reason := may_not(SYS_ADMIN, NET_ADMIN):
        pytest.skip(f"dockerd cannot be started: {reason}")
    # In memory where there is room: what it holds is gone with the tests, and a disk would wait for every layer.
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="bonanca-docker-", dir=memory if os.access(memory, os.W_OK) else None))
    socket, log = folder / "s", folder / "log"
    places = ("--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid")
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "dockerd", *_FLAGS, *places, "-H", f"unix://{socket}"],
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    engine = Engine(f"unix://{socket}")
    try:
        eventually(lambda: _ready(engine, daemon, log), timeout_s=60)
        yield engine
        for one in engine.containers({}):
            engine.remove(one.name)
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if (mounted := line.split()[1]).startswith(f"{folder}/"):
                subprocess.run(["umount", "-l", mounted], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Registry:
    """A registry that wants to know who asks, and the `config.json` of somebody whom it knows."""

    address: str
    login: Path


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real one, on loopback, where a daemon speaks plain HTTP to it."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"127.0.0.1:{door.getsockname()[1]}"
    (folder / "users").write_text(f"loja:{_HASH}\n")
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: {address}}}\n"
        f"auth: {{htpasswd: {{realm: loja, path: {folder}/users}}}}\n"
    )
    secret = base64.b64encode(f"loja:{_PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": secret}}}))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        eventually(
            lambda: httpx.get(f"http://{address}/v2/", trust_env=False).status_code == 401,
            timeout_s=30,
            ignoring=httpx.TransportError,
        )
        yield Registry(address, folder / "config.json")
    finally:
        server.terminate()
        server.wait(timeout=10)


def _ready(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> bool:
    if daemon.poll() is not None:
        pytest.fail(f"dockerd ended at once:\n{log.read_text(errors='replace')[-3000:]}")
    try:
        engine.containers({})
    except EngineAway:
        return False
    return True


def make_image(engine: Engine, name: str, version: str, *, commit: str = "", broken: bool = False) -> Image:
    """An image whose containers answer `/version` with its version; `name` is repository:tag."""
    busybox = Path("/bin/busybox").read_bytes()
    files = {
        "bin/busybox": (busybox, 0o755),
        "serve": (SERVE.encode(), 0o755),
        "www/version": (version.encode(), 0o644),
        "www/health": (b"well", 0o644),
    }
    if broken:
        files["BROKEN"] = (b"", 0o644)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for place, (data, mode) in files.items():
            entry = tarfile.TarInfo(place)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
        for applet in ("sh", "httpd", "wget", "cat", "sleep", "echo", "test", "env", "kill"):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        for folder in ("tmp", "data"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
    changes = ('CMD ["/serve"]', "ENV PATH=/bin", *((f"LABEL {REVISION}={commit}",) if commit else ()))
    repository, _colon, tag = name.rpartition(":")
    params = [("fromSrc", "-"), ("repo", repository), ("tag", tag), *(("changes", one) for one in changes)]
    engine.send("POST", "/images/create", params=params, content=raw.getvalue(), timeout_s=120)
    made = engine.image(name)
    assert made is not None
    return made


def push(engine: Engine, name: str, login: str) -> None:
    """Send an image to its registry."""
    repository, _colon, tag = name.rpartition(":")
    headers = {"X-Registry-Auth": login}
    said = engine.send("POST", f"/images/{repository}/push", params={"tag": tag}, headers=headers, timeout_s=120)
    assert "errorDetail" not in said.text, said.text


def remove_image(engine: Engine, image: Image) -> None:
    """Remove an image with all its names."""
    engine.send("DELETE", f"/images/{image.id}", params={"force": "1"})


@contextmanager
def network(engine: Engine, name: str) -> Iterator[None]:
    """A network of containers, for a while."""
    engine.send("POST", "/networks/create", content=json.dumps({"Name": name}).encode())
    try:
        yield
    finally:
        engine.send("DELETE", f"/networks/{name}")
