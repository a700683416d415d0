"""`backup.pgbackrest`: what is accepted, and what belongs into pgBackRest's own configuration instead."""

from __future__ import annotations

from pathlib import Path

from bonanca.catalog.spec import PgBackRestSpec, from_json, to_json
from bonanca.catalog.tests.test_documents import load, wrong

SHOP = """
    version: 1
    teams: [{slug: loja, name: Loja}]
    services:
      - slug: loja
        team: loja
        database: {dsn_file: ./dsn, name: loja}
        backup:
          engine: pgbackrest
          %s
"""


def test_a_stanza_is_all_that_it_needs() -> None:
    (service,) = load(SHOP % "pgbackrest: {stanza: main}").services
    assert service.backup is not None
    assert service.backup.engine == "pgbackrest"
    assert service.backup.pgbackrest == PgBackRestSpec("main")
    assert from_json(to_json(service)) == service


def test_its_configuration_and_kinds_can_be_said() -> None:
    declared = "pgbackrest: {stanza: main, config: ./pgbackrest.conf, full_every_h: 24, between: diff}"
    (service,) = load(SHOP % declared).services
    assert service.backup is not None
    assert service.backup.pgbackrest == PgBackRestSpec("main", Path("/srv/shop/pgbackrest.conf"), 24, "diff")


def test_mistakes_are_named_with_their_line() -> None:
    assert "bonanca.yaml:8" in (said := wrong(SHOP % "every_h: 24"))
    assert "pgbackrest is missing" in said
    assert "stanza is not valid" in wrong(SHOP % "pgbackrest: {stanza: ../x}")
    for its_own in ("replicas: [./a]", "min_copies: 1", "retention: {last: 3}"):
        key = its_own.partition(":")[0]
        assert f"{key} is not for engine: pgbackrest" in wrong(
            SHOP % f"pgbackrest: {{stanza: main}}\n          {its_own}"
        )
    assert "wal needs engine: physical" in wrong(SHOP % "pgbackrest: {stanza: main}\n          wal: {}")
    other = SHOP.replace("engine: pgbackrest", "engine: logical\n          replicas: [./a]")
    assert "pgbackrest needs engine: pgbackrest" in wrong(other % "pgbackrest: {stanza: main}")
