"""What only a real daemon can show: a registry that wants a login, networks with published ports, damaged files."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.actuators.docker import engine
from bonanca.actuators.docker.container import wanted
from bonanca.actuators.docker.engine import Engine, EngineAway, EngineRefused, Image, login_for
from bonanca.actuators.docker.images import ImageNotFound, ensure, find_image
from bonanca.actuators.docker.spec import BadSpec, DockerSpec
from tests.support.docker import Registry, make_image, network, push, remove_image
from tests.support.poll import eventually

COMMIT = "c" * 40


def test_an_image_is_found_in_its_registry_and_fetched_by_digest(dockerd: Engine, registry: Registry) -> None:
    name = f"{registry.address}/loja/api"
    made = make_image(dockerd, f"{name}:{COMMIT[:7]}", "v1")
    push(dockerd, f"{name}:{COMMIT[:7]}", login_for(name, registry.login))
    remove_image(dockerd, made)
    template = f"{name}:{{commit7}}"

    with pytest.raises(ImageNotFound, match="no basic auth credentials"):
        find_image(dockerd, template, COMMIT)
    digest = find_image(dockerd, template, COMMIT, login=registry.login)
    assert digest.startswith(f"{name}@sha256:")
    assert dockerd.image(digest) is None
    with pytest.raises(ImageNotFound, match="cannot be fetched"):
        ensure(dockerd, digest, pulse=lambda _said: None)
    told: list[str] = []
    assert ensure(dockerd, digest, login=registry.login, pulse=told.append).id == made.id
    assert any("Digest: sha256:" in said for said in told)
    with pytest.raises(ImageNotFound, match="no registry gives it"):
        find_image(dockerd, template, "d" * 40, login=registry.login)


def test_the_daemon_says_its_version(dockerd: Engine) -> None:
    assert dockerd.version()[0].isdigit()


def asked(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=5) as answer:
        return bytes(answer.read())


def test_in_a_network_of_its_own_the_port_is_published_on_the_replicas_address(
    dockerd: Engine, spec: DockerSpec, images: dict[str, Image]
) -> None:
    name = f"loja-{uuid4().hex[:8]}"
    inside = replace(spec, network=name, port=8080, env={"BIND": ""})
    made = wanted(inside, spec.replicas[0], images["v1"])
    with network(dockerd, name):
        dockerd.create(made.name, made.config)
        dockerd.start(made.name)
        eventually(lambda: asked(spec.replicas[0].port) == b"v1", timeout_s=30, ignoring=OSError)
        dockerd.remove(made.name)


def test_the_environment_of_a_file_goes_into_the_container_and_into_its_name(
    dockerd: Engine, spec: DockerSpec, images: dict[str, Image], tmp_path: Path
) -> None:
    file = tmp_path / "loja.env"
    file.write_text("# secrets\n\nPASSWORD=a=b\nGREETING=never\n")
    declared, replica = replace(spec, env_file=file), spec.replicas[0]
    first = wanted(declared, replica, images["v1"])
    assert {"PASSWORD=a=b", "GREETING=olá", f"PORT={replica.port}"} == set(first.config["Env"])
    file.write_text("PASSWORD=changed\n")
    assert wanted(declared, replica, images["v1"]).name != first.name
    file.unlink()
    with pytest.raises(BadSpec, match=r"loja\.env cannot be read"):
        wanted(declared, replica, images["v1"])


@pytest.mark.parametrize(
    ("reference", "sent"),
    [("ghcr.io/loja/api", True), ("loja/api", False), ("localhost/loja/api", False), ("ghcr.io.example/x", False)],
)
def test_a_login_goes_to_its_own_registry_only(reference: str, sent: bool, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"auths": {"ghcr.io": {"auth": "bG9qYTpzZWNyZXQ="}}}')
    assert bool(login_for(reference, config)) is sent


def test_a_login_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EngineRefused, match=r"config\.json cannot be read"):
        login_for("ghcr.io/loja/api", tmp_path / "config.json")


@pytest.mark.parametrize("endpoint", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:9"])
def test_a_daemon_that_is_away_is_named_with_its_place(endpoint: str) -> None:
    with pytest.raises(EngineAway, match=endpoint):
        Engine(endpoint).container("x")


def test_a_daemon_that_falls_silent_while_it_fetches_an_image_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SILENT_S", 0.5)
    over, said = threading.Event(), []
    version = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    begun = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n16\r\n{"status": "Pulling"}\n\r\n'

    def serve(door: socket.socket) -> None:
        while not over.is_set():
            try:
                caller, _address = door.accept()
            except OSError:
                return
            asked = caller.recv(65536)
            if asked:
                caller.sendall(begun if b"/images/create" in asked else version)
            if b"/images/create" in asked:
                over.wait(60)
            caller.close()

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        door.settimeout(20)
        thread = threading.Thread(target=serve, args=(door,), daemon=True)
        thread.start()
        began = time.monotonic()
        try:
            with pytest.raises(EngineAway):
                Engine(f"unix://{tmp_path}/s").pull(f"loja/api@sha256:{'0' * 64}", pulse=said.append)
            assert (said, time.monotonic() - began < 20) == (["Pulling"], True)
        finally:
            over.set()
            thread.join(30)
