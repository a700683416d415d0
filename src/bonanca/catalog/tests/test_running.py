"""How a service is kept running and where else it can be answered: defaults, and mistakes told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import RestartSpec, from_json, to_json

TEXT = """version: 1
teams: [{slug: loja, members: [{email: ana@loja.example}]}]
services:
  - slug: loja-api
    team: loja
    root: ./root
    run:
      command: [serve, "{port}"]
      replicas: [{port: 9101}]
      restart: %s
"""


def declared(restart: str) -> RestartSpec | None:
    [service] = load_text(TEXT % restart, name="bonanca.yaml", base=Path("/srv")).services
    assert from_json(to_json(service)) == service
    assert service.run is not None
    return service.run.restart


def test_what_is_left_out_has_a_default() -> None:
    assert declared("{}") == RestartSpec()
    assert declared("{max: 2, failures: 0}") == RestartSpec(max=2, failures=0)


def test_a_service_declared_before_this_existed_is_read() -> None:
    [service] = load_text(TEXT % "{}", name="bonanca.yaml", base=Path("/srv")).services
    data = to_json(service)
    del data["run"]["restart"]
    old = from_json(data)
    assert old.run is not None
    assert old.run.restart is None


@pytest.mark.parametrize(
    ("restart", "told"),
    [
        ("{max: -1}", "max is not valid"),
        ("{window: 3}", "did you mean window_s"),
        ("{max: 10, window_s: 60}", "longer than window_s"),
    ],
)
def test_a_mistake_is_told_with_its_line(restart: str, told: str) -> None:
    with pytest.raises(CatalogInvalid, match=told) as refused:
        declared(restart)
    assert "bonanca.yaml:10" in str(refused.value)


@pytest.mark.parametrize(("standby", "works"), [("http://10.0.0.2:8080", True), ("http://10.0.0.2/loja", False)])
def test_the_redundant_site_is_addresses_without_a_path(standby: str, works: bool) -> None:
    text = TEXT % "{}" + f"    gateway: {{routes: [{{path_prefix: /}}], standby: ['{standby}']}}\n"
    if not works:
        with pytest.raises(CatalogInvalid, match="standby is not valid"):
            load_text(text, name="bonanca.yaml", base=Path("/srv"))
        return
    [service] = load_text(text, name="bonanca.yaml", base=Path("/srv")).services
    assert service.gateway is not None
    assert service.gateway.standby == (standby,)


@pytest.mark.parametrize("folders", [("/srv/one", "/srv/two"), ("/srv/one", "/srv/one"), ("/srv/one",)])
def test_a_standby_declares_both_servers_of_the_pair_or_none(folders: tuple[str, ...]) -> None:
    servers = ", ".join(f"{{data: {folder}, start: [up], stop: [down]}}" for folder in folders)
    standby = f"{{dsn_file: ./b, servers: [{servers}]}}"
    text = TEXT % "{}" + f"    database: {{dsn_file: ./a, name: loja, standby: {standby}}}\n"
    if len(set(folders)) != 2:
        with pytest.raises(CatalogInvalid, match="servers is not valid"):
            load_text(text, name="bonanca.yaml", base=Path("/srv"))
        return
    [service] = load_text(text, name="bonanca.yaml", base=Path("/srv")).services
    assert service.database is not None
    assert service.database.standby is not None
    assert [server.data for server in service.database.standby.servers] == [Path(folder) for folder in folders]
