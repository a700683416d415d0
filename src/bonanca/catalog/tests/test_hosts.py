"""Services of systemd and of other hosts: what may be declared, and each mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import HostSpec, ServiceView, UnitsSpec, from_json, to_json

TEXT = """\
version: 1
teams:
  - {slug: loja, members: [{email: ana@loja.example, role: commander}], on_call: [ana@loja.example]}
services:
  - slug: loja-api
    team: loja
    root: %(root)s
    config: {file: %(file)s}
    run:
      %(run)s
      replicas: [{port: 8001, host: 10.0.0.7}]
"""
HOST = "host: {ssh: deploy@10.0.0.7, port: 2222, key_file: keys/deploy, known_hosts: known_hosts}"
UNIT = "systemd: {unit: 'loja@{port}.service'}"


def declared(*run: str, root: str = "/srv/loja", file: str = "/etc/loja.toml") -> ServiceView:
    text = TEXT % {"run": "\n      ".join(run), "root": root, "file": file}
    [service] = load_text(text, name="bonanca.yaml", base=Path("/catalog")).services
    return service


def test_a_unit_of_another_host_is_declared() -> None:
    run = declared(UNIT, HOST).run
    assert run is not None
    assert run.systemd == UnitsSpec("loja@{port}.service")
    assert run.host == HostSpec("deploy", "10.0.0.7", Path("/catalog/keys/deploy"), Path("/catalog/known_hosts"), 2222)
    assert run.host.address == "deploy@10.0.0.7:2222"
    mine = declared("systemd: {unit: loja.service, user: true}", root="here").run
    assert mine is not None
    assert (mine.systemd, mine.host) == (UnitsSpec("loja.service", user=True), None)


def test_another_host_has_an_interpreter_of_its_own() -> None:
    assert declared(UNIT, HOST).placeholders()["python"] == "python3"
    assert declared(UNIT).placeholders()["python"] != "python3"


def test_what_was_stored_before_still_loads() -> None:
    service = declared(UNIT, HOST)
    assert from_json(to_json(service)) == service
    data = to_json(service)
    del data["run"]["systemd"], data["run"]["host"]
    old = from_json(data).run
    assert old is not None
    assert (old.systemd, old.host) == (None, None)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (("systemd: {unit: loja}",), "10: service 'loja-api': run: systemd: unit is not valid"),
        (("systemd: {unit: '../loja.service'}",), "10: service 'loja-api': run: systemd: unit is not valid"),
        (("systemd: {}",), "10: service 'loja-api': run: systemd: unit is missing"),
        (("systemd: {unit: a.service, user: true, sudo: true}",), "a user's unit needs no sudo"),
        ((UNIT, "host: {ssh: 10.0.0.7, key_file: k, known_hosts: h}"), "11: service 'loja-api': run: host: ssh is not"),
        ((UNIT, "host: {ssh: '-oProxy=x@h', key_file: k, known_hosts: h}"), "run: host: ssh is not valid"),
        ((UNIT, "host: {ssh: a@b, known_hosts: h}"), "11: service 'loja-api': run: host: key_file is missing"),
        ((UNIT, "host: {ssh: a@b, key_file: k}"), "11: service 'loja-api': run: host: known_hosts is missing"),
        ((UNIT, "host: {ssh: a@b, key_file: k, known_hosts: h, password: x}"), "'password' is not known here"),
        ((UNIT, 'command: ["serve"]'), "both run.command and run.systemd say how it runs"),
        (('command: ["serve"]', HOST), "on another host a service runs by systemd"),
    ],
)
def test_a_mistake_is_told_with_its_line(run: tuple[str, ...], told: str) -> None:
    with pytest.raises(CatalogInvalid) as refused:
        declared(*run)
    assert told in str(refused.value)


def test_paths_of_another_host_are_absolute() -> None:
    for changes, told in (
        ({"root": "srv"}, "7: service 'loja-api': root"),
        ({"file": "x"}, "8: service 'loja-api': config"),
    ):
        with pytest.raises(CatalogInvalid) as refused:
            declared(UNIT, HOST, **changes)
        assert told in str(refused.value)
        assert "an absolute path of the other host" in str(refused.value)
    with pytest.raises(CatalogInvalid, match=r"run\.systemd needs root"):
        load_text((TEXT % {"run": UNIT, "root": "", "file": "/x"}), name="b", base=Path("/catalog"))
