"""What people chose to be called themselves, in the service's own list of the erased, holds up no return of data."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from bonanca.actuators.postgres.sessions import at_database, derived_name
from bonanca.catalog.spec import ErasureSpec, PrivacySpec
from bonanca.recovery import bringing_back
from bonanca.recovery.bringing_back import QueryFailed
from bonanca.recovery.looking import collect_listed
from bonanca.recovery.operations.record_erasure import keep_listed
from bonanca.recovery.queries.privacy import erasures_of, references_of
from bonanca.recovery.steps.support import mark_of
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.shop import NOW, Shop

ERASURES = ErasureSpec(
    find="SELECT count(*) FROM people WHERE name = %(reference)s AND NOT gone",
    sql=("UPDATE people SET gone = true WHERE name = %(reference)s",),
    query="SELECT name, at FROM erased",
)
# Invisible, not printable, with borders that a strip() takes, and longer than any form lets a person type.
CHOSEN = ("jo\u200bao", "\u00a0joana", " joao ", "a\nb", "\u202enaoj", "x" * 1000, "y" * 100_000)


@pytest.fixture
def private(shop: Shop) -> Shop:
    shop.run(
        "CREATE TABLE people (name text, gone bool DEFAULT false); CREATE TABLE erased (name text, at timestamptz)"
    )
    shop.declare(privacy=PrivacySpec(erasures=ERASURES))
    return shop


def named(shop: Shop, names: Sequence[str]) -> None:
    with psycopg.connect(shop.dsn) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO people VALUES (%s)", [(name,) for name in names])
        cursor.executemany("INSERT INTO erased VALUES (%s, now())", [(name,) for name in names])


def test_every_reference_of_the_list_is_erased_to_the_letter(private: Shop) -> None:
    named(private, (*CHOSEN, ""))
    private.run("INSERT INTO people VALUES ('joao'), ('joana')")
    plan = Plan(private.slug)
    loaded = derived_name(private.name, "new", mark_of(plan.run_id))
    with psycopg.connect(at_database(private.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {loaded} TEMPLATE {private.name}")
    done = plan.do("recovery.reapply_erasures")
    assert (done["registered"], done["erased"], done["list_names_nobody"]) == (len(CHOSEN), len(CHOSEN), 1)
    # Whoever is called almost like that is another person.
    assert {row[0] for row in private.ask("SELECT name FROM people WHERE NOT gone", loaded)} == {"joao", "joana", ""}
    assert sorted(references_of(private.slug)) == sorted(CHOSEN)


def test_reading_the_list_again_makes_nobody_new(private: Shop) -> None:
    named(private, CHOSEN)
    assert collect_listed(private.service, private.name, now=NOW) == 0
    before = [(one.id, one.recorded_at) for one in erasures_of(private.slug)]
    assert collect_listed(private.service, private.name, now=NOW) == 0
    assert [(one.id, one.recorded_at) for one in erasures_of(private.slug)] == before


def test_what_no_statement_could_be_given_is_counted_and_the_others_are_kept(private: Shop) -> None:
    listed = [(one, NOW) for one in ("", "a\x00b", "half \ud800", "7")]
    assert keep_listed(private.service, listed, by="system:test", now=NOW) == (1, 3)
    assert references_of(private.slug) == ("7",)


def test_a_list_that_is_not_read_to_its_end_is_refused(private: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing_back, "ROWS_LIMIT", 3)
    named(private, ("1", "2", "3"))
    assert collect_listed(private.service, private.name, now=NOW) == 0
    named(private, ("4",))
    with pytest.raises(QueryFailed, match="more than 3 rows"):
        collect_listed(private.service, private.name, now=NOW)
