"""A rollback that cannot be carried out is refused before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bonanca.actuators.postgres.cluster import Cluster
from bonanca.catalog.spec import DatabaseSpec, RepositorySpec
from bonanca.response import strategy_checks
from bonanca.response.preflight import rollback_checks
from bonanca.response.queries import CheckResult
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def database(shop: Shop, scratch_database: str) -> str:
    """The shop keeps its data on Bonança's own server, which nobody should."""
    (shop.folder / "dsn").write_text(scratch_database)
    name = scratch_database.rpartition("/")[2]
    shop.declare(database=DatabaseSpec(shop.folder / "dsn", name))
    return name


def checks(shop: Shop, **state: Any) -> dict[str, CheckResult]:
    found = rollback_checks(shop.service, shop.pin(shop.propose(), **state).id)
    return dict(zip(("code", "data", "journal"), found, strict=False))


def test_without_a_database_only_the_code_must_be_there(shop: Shop) -> None:
    [code] = checks(shop).values()
    assert (code.passed, code.words) == (True, f"The earlier code is in the repository: {shop.sha('v1')[:12]}")


def test_code_that_is_gone_is_said(shop: Shop) -> None:
    gone = checks(shop, release_sha="f" * 40)["code"]
    assert not gone.passed
    assert "f" * 40 in gone.words
    shop_without = shop.service.repository
    assert shop_without is not None
    pin = shop.pin(shop.propose())
    shop.declare(repository=RepositorySpec("/nowhere/loja.git"))
    [unread] = rollback_checks(shop.service, pin.id)
    assert (unread.passed, "/nowhere/loja.git" in unread.words) == (False, True)


def test_data_on_our_own_server_is_refused_by_the_servers_identity(shop: Shop, database: str) -> None:
    # `localhost` or a socket would reach the same data under another address: only the identifier tells.
    found = checks(shop, copy_name=database)
    assert (found["data"].passed, found["journal"].passed) == (True, False)
    assert "on the server that holds this plan's own journal" in found["journal"].words


def test_data_on_another_server_passes(shop: Shop, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy_checks, "system_identifier", lambda dsn: "7000000000000000001")
    assert all(check.passed for check in checks(shop, copy_name=database).values())


def test_a_pinned_database_that_was_dropped_is_said(shop: Shop, database: str) -> None:
    gone = checks(shop, copy_name="loja_pin_0192ab34cd56")["data"]
    assert (gone.passed, gone.words) == (False, "The pinned database loja_pin_0192ab34cd56 is gone")


def test_a_server_that_does_not_answer_is_an_answer(shop: Shop, database: str) -> None:
    (shop.folder / "dsn").write_text("postgresql://nobody@127.0.0.1:1/loja")
    found = checks(shop, copy_name=database)
    assert [check.passed for check in found.values()] == [True, False, False]
    assert "127.0.0.1:1" in found["data"].words
    (shop.folder / "dsn").unlink()
    assert "dsn" in checks(shop, copy_name=database)["journal"].words


def test_a_login_that_may_not_ask_is_an_answer(shop: Shop, database: str, cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE blind LOGIN PASSWORD 'x'")
    try:
        (shop.folder / "dsn").write_text(f"postgresql://blind:x@127.0.0.1:{cluster.port}/{database}")
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        found = checks(shop, copy_name=database)
        assert not found["journal"].passed
    finally:
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute("DROP ROLE blind")


def test_the_pins_folder_is_not_touched(shop: Shop, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    checks(shop)
    assert sorted(tmp_path.rglob("*")) == before
