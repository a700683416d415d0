"""Failed jobs of a service's own database: listed by a query that cannot write, done again once each (Y7)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bonanca.aftercare.models import ReexecutionItem
from bonanca.aftercare.queries import items_of
from bonanca.aftercare.tests.working import T0, carry_out, listed, outcomes, started
from bonanca.catalog.spec import AgainSpec, DatabaseSpec, SourceSpec
from tests.support.loja import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(shop: Shop, scratch_database: str, tmp_path: Path) -> str:
    """The service's database, with jobs that failed and the table that they should have filled."""
    (tmp_path / "dsn").write_text(scratch_database)
    shop.declare(database=DatabaseSpec(tmp_path / "dsn", str(conninfo_to_dict(scratch_database)["dbname"])))
    with psycopg.connect(scratch_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE failed_jobs (id int, at timestamptz, payload jsonb)")
        connection.execute("CREATE TABLE mails (job text, body text)")
        for n in (1, 2, 70):
            at = T0 + timedelta(minutes=n)
            connection.execute('INSERT INTO failed_jobs VALUES (%s, %s, \'{"to": "ana"}\')', (n, at))
    return scratch_database


FAILED_JOBS = "SELECT id AS key, at, payload, 'mail' AS label FROM failed_jobs WHERE at >= %(since)s AND at < %(until)s"


def test_jobs_in_a_database_are_done_again_once_each_whatever_is_repeated(shop: Shop, store: str) -> None:
    again = AgainSpec(sql="INSERT INTO mails VALUES (%(key)s, %(payload)s)")
    source = SourceSpec("mails", again, sql=FAILED_JOBS)
    found = listed(shop, source)
    assert [item.key for item in items_of(found.id)] == ["1", "2"]
    run_id = started(shop, found)
    carry_out(run_id)
    # As after a kill between the effect and its record.
    ReexecutionItem.objects.update(state="sending")
    carry_out(run_id, epoch=2)
    assert set(outcomes(found).values()) == {"already"}
    with psycopg.connect(store) as connection:
        rows = connection.execute("SELECT * FROM mails ORDER BY job").fetchall()
    assert rows == [("1", '{"to": "ana"}'), ("2", '{"to": "ana"}')]


def test_a_statement_that_is_refused_leaves_nothing_and_may_be_asked_again(shop: Shop, store: str) -> None:
    found = listed(shop, SourceSpec("mails", AgainSpec(sql="INSERT INTO nowhere VALUES (%(key)s)"), sql=FAILED_JOBS))
    run_id = started(shop, found)
    carry_out(run_id)
    assert "UndefinedTable" in items_of(found.id)[0].reason
    with psycopg.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM bonanca_done").fetchall() == [(0,)]


def test_a_listing_query_cannot_write(shop: Shop, store: str) -> None:
    found = listed(shop, SourceSpec("mails", AgainSpec(replay=True), sql="DELETE FROM failed_jobs RETURNING id AS key"))
    assert found.total == 0
    assert "ReadOnly" in found.problems[0]["error"] or "Syntax" in found.problems[0]["error"]
    with psycopg.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM failed_jobs").fetchall() == [(3,)]
