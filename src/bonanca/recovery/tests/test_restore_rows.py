"""Before a restore takes the place of the running database, its preview says what was written since."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import psycopg

from bonanca.access.actors import SYSTEM
from bonanca.actuators.postgres.sessions import at_database
from bonanca.catalog.spec import RowsAtRisk
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.queries import rows_written_since
from bonanca.recovery.state import RestoreMode
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.views import RestoreView

WORKER = SYSTEM("test")


def verdict_on_rows(restore: RestoreView) -> dict[str, str]:
    return {found.words: found.answer for found in restore.verdict if found.key == "rows"}


def test_the_preview_of_a_swap_counts_what_was_written_since(shop: Shop) -> None:
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.run("UPDATE orders SET created_at = '2026-01-01T00:00Z'")
    nothing = propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP)
    assert list(verdict_on_rows(nothing).values()) == ["ok"]
    shop.run("INSERT INTO orders (number, total_cents, created_at) VALUES (900, 1, 'infinity'), (901, 1, 'infinity')")
    ((words, answer),) = verdict_on_rows(
        propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP)
    ).items()
    assert (answer, "orders" in words, ": 2. " in words) == ("risk", True, True)
    # It is the first thing that a person reads.
    assert propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP).verdict[0].key == "rows"
    # Beside the running database nothing is taken from anybody.
    assert not verdict_on_rows(propose_restore(service=shop.slug, actor=WORKER, now=NOW, backup_id=backup.id))


def test_rows_that_cannot_be_counted_are_said_to_be_unknown(shop: Shop) -> None:
    take_backup(service=shop.slug, actor=WORKER, now=NOW)
    assert shop.service.database is not None
    shop.declare(database=replace(shop.service.database, rows_at_risk=(RowsAtRisk("gone", "number", "created_at"),)))
    swap = propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP)
    assert list(verdict_on_rows(swap).values()) == ["unknown"]
    shop.declare(database=replace(shop.service.database, rows_at_risk=()))
    swap = propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP)
    assert list(verdict_on_rows(swap).values()) == ["unknown"]
    assert not swap.refused


def test_a_table_that_the_login_may_not_read_is_a_problem_and_not_zero(shop: Shop) -> None:
    role = f"r{uuid4().hex[:8]}"
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    (shop.folder / "dsn").write_text(psycopg.conninfo.make_conninfo(shop.dsn, user=role, password="x"))
    (table,) = rows_written_since(shop.slug, NOW, "")
    assert table.written_since is None
    assert "may not read" in table.problem
