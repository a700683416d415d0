"""A service in containers: what is read, and mistakes told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import ContainerCheck, DockerRunSpec, ServiceView, from_json, to_json

TEXT = """version: 1
teams: [{slug: loja, members: [{email: ana@loja.example}]}]
services:
  - slug: loja-api
    team: loja
    root: ./root
    repository: {path: ./loja.git}
    run:
      replicas: [{port: 9101}]
      docker: %s
"""
DIGEST = "sha256:" + "0" * 64


def declared(docker: str, text: str = TEXT) -> ServiceView:
    [service] = load_text(text % docker, name="bonanca.yaml", base=Path("/srv")).services
    assert from_json(to_json(service)) == service
    return service


def test_a_name_is_enough() -> None:
    run = declared("{image: ghcr.io/loja/api}").run
    assert run is not None
    assert run.docker == DockerRunSpec("ghcr.io/loja/api")


def test_everything_a_team_of_docker_compose_has() -> None:
    run = declared(
        "{image: 'registry.loja.example:5000/api:sha-{commit7}', network: loja, port: 8080, command: [serve, '{port}'],"
        " volumes: ['/srv/loja.toml:/etc/loja.toml:ro', 'files:/files'], env_file: ./loja.env,"
        " registry_login: ./config.json, healthcheck: {command: [curl, -fsS, localhost], start_s: 3},"
        " endpoint: 'tcp://127.0.0.1:2375', stop_timeout_s: 30}"
    ).run
    assert run is not None
    assert run.docker == DockerRunSpec(
        image="registry.loja.example:5000/api:sha-{commit7}",
        endpoint="tcp://127.0.0.1:2375",
        network="loja",
        port=8080,
        command=("serve", "{port}"),
        volumes=("/srv/loja.toml:/etc/loja.toml:ro", "files:/files"),
        env_file=Path("/srv/loja.env"),
        healthcheck=ContainerCheck(("curl", "-fsS", "localhost"), start_s=3.0),
        registry_login=Path("/srv/config.json"),
        stop_timeout_s=30.0,
    )


@pytest.mark.parametrize(
    ("docker", "told"),
    [
        ("{}", "image is missing"),
        ("{image: 'loja/api:latest'}", "no tag that can move"),
        ("{image: 'loja/api:{commit}@" + DIGEST + "'}", "no tag that can move"),
        ("{image: Loja API}", "image is not valid"),
        ("{image: '" + DIGEST + "'}", "every commit would run the same image"),
        ("{image: loja/api, network: bridge}", "port is missing"),
        ("{image: loja/api, endpoint: 'tcp://10.0.0.1:2375'}", "endpoint is not valid"),
        ("{image: loja/api, volumes: ['./here:/there']}", "volumes is not valid"),
        ("{image: loja/api, command: ['{python}', -m, loja]}", "command is not valid"),
        ("{image: loja/api, healthcheck: {every_s: 1}}", "command is missing"),
        ("{image: loja/api, tag: v1}", "tag"),
    ],
)
def test_a_mistake_is_told_with_its_line(docker: str, told: str) -> None:
    with pytest.raises(CatalogInvalid, match=told) as refused:
        declared(docker)
    assert "bonanca.yaml:8" in str(refused.value) or "bonanca.yaml:10" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("    root: ./root\n", ""), "run.docker needs root"),
        (("    repository: {path: ./loja.git}\n", ""), "which commit's image"),
        (("    run:\n", "    run:\n      command: [serve]\n"), "not the only way"),
        (("    run:\n", "    migrate: ['{python}', -m, loja]\n    run:\n"), "migrate runs inside a container"),
    ],
)
def test_parts_have_to_fit(change: tuple[str, str], told: str) -> None:
    with pytest.raises(CatalogInvalid, match=told):
        declared("{image: loja/api}", TEXT.replace(*change))


def test_without_a_repository_an_image_is_named_by_its_digest() -> None:
    run = declared(f"{{image: 'redis@{DIGEST}'}}", TEXT.replace("    repository: {path: ./loja.git}\n", "")).run
    assert run is not None
    assert run.docker is not None
    assert run.docker.image == f"redis@{DIGEST}"


def test_a_service_declared_before_this_existed_is_read() -> None:
    data = to_json(declared("{image: loja/api}"))
    del data["run"]["docker"]
    old = from_json(data)
    assert old.run is not None
    assert old.run.docker is None
