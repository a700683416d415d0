"""What follows an incident as it is declared: defaults, and mistakes told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonanca.catalog.documents.load import load_text
from bonanca.catalog.documents.problems import CatalogInvalid
from bonanca.catalog.spec import (
    AgainSpec,
    HttpAgain,
    LogSource,
    ReexecutionSpec,
    ReinforcedWatchSpec,
    ServiceView,
    from_json,
    to_json,
)

TEXT = """version: 1
teams: [{slug: loja, members: [{email: ana@loja.example}]}]
services:
  - slug: loja-api
    team: loja
    root: ./root
    replay: [replay]
    run: {replicas: [{port: 9101}]}
    database: {dsn_file: ./dsn, name: loja}
    %s
"""


def declared(part: str) -> ServiceView:
    [service] = load_text(TEXT % part, name="bonanca.yaml", base=Path("/srv")).services
    assert from_json(to_json(service)) == service
    return service


def sources(*found: str) -> str:
    return f"reexecution: {{sources: [{', '.join(found)}]}}"


def test_a_watch_has_defaults_and_says_which_severities_ask_for_it() -> None:
    assert declared("watch: {}").watch == ReinforcedWatchSpec()
    found = declared("watch: {for_h: 6, after: [low]}").watch
    assert found is not None
    assert (found.hours_after("low"), found.hours_after("critical")) == (6.0, 0.0)
    assert declared("watch: {after: []}").watch == ReinforcedWatchSpec(after=())


def test_sources_of_each_kind_are_read() -> None:
    log = "{name: checkout, log: {file: ./access.jsonl, key: id, paths: [/checkout]}, again: {http: {already: [409]}}}"
    sql = "{name: jobs, sql: 'SELECT 1 WHERE now() > %(since)s', again: {sql: 'SELECT %(key)s'}}"
    command = "{name: queue, command: [failed, '{since}'], again: {command: [again, '{key}'], timeout_s: 5}}"
    replay = "{name: rows, command: [failed], again: {replay: true}}"
    found = declared(sources(log, sql, command, replay)).reexecution
    assert found is not None
    first, second, third, last = found.sources
    assert first.log == LogSource("/srv/access.jsonl", key="id", paths=("/checkout",))
    assert first.again == AgainSpec(http=HttpAgain(already=(409,)))
    assert (second.again.sql, third.again.command, last.again.replay) == ("SELECT %(key)s", ("again", "{key}"), True)
    assert (found.rate_per_s, found.stop_percent) == (ReexecutionSpec().rate_per_s, 20.0)


def test_a_service_declared_before_this_existed_is_read() -> None:
    data = to_json(declared("watch: {}"))
    del data["watch"], data["reexecution"]
    old = from_json(data)
    assert (old.watch, old.reexecution) == (None, None)


JOBS = "{name: jobs, sql: SELECT 1, again: %s}"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("watch: {tighten: 2}", "tighten is not valid"),
        ("watch: {for: 24}", "did you mean for_h"),
        ("watch: {after: [sev1]}", "after is not valid"),
        ("reexecution: {}", "sources is missing"),
        (sources("{name: jobs, again: {replay: true}}"), "exactly one of these"),
        (sources(JOBS % "{}"), "exactly one of these"),
        (sources(JOBS % "{replay: true, sql: SELECT 1}"), "exactly one of these"),
        (sources(JOBS % "{sql: 'SELECT %(id)s'}"), "bound parameters"),
        (sources(JOBS % "{sql: 'SELECT 5 % 2'}"), "percent sign is written twice"),
        (sources(JOBS % "{command: ['{id}']}"), "placeholders of"),
        (sources(JOBS % "{command: [sh, -ec, 'retry {key}']}"), "strangers write it"),
        (sources(JOBS % "{http: {}}"), "needs again.http with method and path"),
        (sources(JOBS % "{http: {base: 'ftp://x', method: POST, path: /x}}"), "base is not valid"),
        (sources(JOBS % "{http: {already: [yes], method: POST, path: /x}}"), "already is not valid"),
        (sources(JOBS % "{replay: true}", JOBS % "{replay: true}"), "the same name"),
    ],
)
def test_a_mistake_is_told_with_its_line(part: str, told: str) -> None:
    with pytest.raises(CatalogInvalid, match=told) as refused:
        declared(part)
    assert "bonanca.yaml:10" in str(refused.value)


def test_a_script_may_take_the_key_as_a_word_of_its_own() -> None:
    found = declared(sources(JOBS % """{command: [sh, -c, 'retry "$1"', sh, '{key}']}""")).reexecution
    assert found is not None
    assert found.sources[0].again.command[-1] == "{key}"


def test_what_a_source_needs_of_the_service_has_to_be_there() -> None:
    bare = TEXT.replace("    database: {dsn_file: ./dsn, name: loja}\n", "").replace("    replay: [replay]\n", "")
    for again, missing in (("{sql: SELECT 1}", "database"), ("{replay: true}", "replay")):
        part = sources(f"{{name: jobs, command: [failed], again: {again}}}")
        with pytest.raises(CatalogInvalid, match=f"needs {missing}"):
            load_text(bare % part, name="bonanca.yaml", base=Path("/srv"))
