"""What a return of data brings back is shown, asked about and taken away again before anybody can use it (D7)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from bonanca.access.actors import SYSTEM, Actor, Role
from bonanca.actuators.postgres.sessions import at_database, derived_name
from bonanca.catalog.spec import ComparisonSpec, ErasureSpec, PrivacySpec, StatementSpec
from bonanca.durable import crashpoints
from bonanca.durable.interpreter import Outcome
from bonanca.durable.operations.abort_plan import abort_plan
from bonanca.durable.operations.resume_plan import resume_plan
from bonanca.durable.operations.start_plan import start_plan
from bonanca.durable.operations.undo_plan import undo_plan
from bonanca.durable.plan import PlanSpec
from bonanca.durable.queries import get_run
from bonanca.durable.state import RunState
from bonanca.durable.tests.world import Crash, claim, living_executor, work
from bonanca.kernel.audit import history
from bonanca.kernel.errors import Invalid, NotAllowed
from bonanca.outbox.models import OutboxEvent
from bonanca.recovery.models import Erasure
from bonanca.recovery.operations.propose_restore import propose_restore
from bonanca.recovery.operations.record_erasure import BadReference, NothingErases, record_erasure
from bonanca.recovery.operations.start_restore import start_restore
from bonanca.recovery.operations.take_backup import take_backup
from bonanca.recovery.operations.tick_point import AlreadyTicked, ReviewOver, SecondPersonNeeded, tick_point
from bonanca.recovery.operations.verify_backup import verify_backup
from bonanca.recovery.queries.privacy import erasures_of, list_reviews, references_of
from bonanca.recovery.state import RestoreMode, ReviewState
from bonanca.recovery.steps.support import mark_of
from bonanca.recovery.subjects import ReferenceUnreadable
from bonanca.recovery.tests.plans import Plan
from bonanca.recovery.tests.shop import NOW, Shop
from bonanca.recovery.views.privacy import ReviewView
from bonanca.running.privacy import check_step, reapply_step, review_step

WORKER = SYSTEM("test")
ANA = Actor("person", "ana@loja.example", "Ana", Role.COMMANDER)
BETO = Actor("person", "beto@loja.example", "Beto", Role.RESPONDER, teams=frozenset({"loja"}))
CAIO = Actor("person", "caio@estoque.example", "Caio", Role.RESPONDER, teams=frozenset({"estoque"}))
TABLES = """
    CREATE TABLE people (id bigint PRIMARY KEY, name text, password_hash text, role text);
    INSERT INTO people SELECT g, 'Pessoa ' || g, 'old', 'admin' FROM generate_series(1, 9) g;
    CREATE TABLE tokens (id int PRIMARY KEY, revoked_at timestamptz);
    INSERT INTO tokens SELECT g FROM generate_series(1, 3) g;
    CREATE TABLE sessions (id int);
    INSERT INTO sessions VALUES (1);
    CREATE TABLE erased (person bigint, at timestamptz);
"""
ERASURES = ErasureSpec(
    find="SELECT count(*) FROM people WHERE id = %(reference)s AND name IS NOT NULL",
    sql=("UPDATE people SET name = NULL, password_hash = NULL WHERE id = %(reference)s",),
    query="SELECT person, at FROM erased",
)
PRIVACY = PrivacySpec(
    erasures=ERASURES,
    compare=(
        ComparisonSpec(
            "Tokens in force",
            "tokens",
            "SELECT id FROM tokens WHERE revoked_at IS NULL",
            "UPDATE tokens SET revoked_at = now() WHERE id = %(key)s",
        ),
        ComparisonSpec("Passwords", "passwords", "SELECT id, password_hash FROM people WHERE name IS NOT NULL"),
        ComparisonSpec("Roles", "permissions", "SELECT id || ' ' || role FROM people"),
    ),
    after_restore=(StatementSpec("Everybody signs in again", "DELETE FROM sessions"),),
)
# What happens after the backup: person 7 asks to be erased, 8 erases themself in the shop, the rest is revoked.
SINCE = """
    UPDATE people SET name = NULL, password_hash = NULL WHERE id IN (7, 8);
    INSERT INTO erased VALUES (8, now());
    UPDATE tokens SET revoked_at = now() WHERE id = 2;
    UPDATE people SET password_hash = 'new' WHERE id = 1;
    UPDATE people SET role = 'clerk' WHERE id = 2;
"""


@pytest.fixture
def private(shop: Shop) -> Shop:
    """A shop of which older data (kept under the name …_before) would bring people back."""
    shop.run(TABLES)
    shop.declare(privacy=PRIVACY)
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {shop.name}_before TEMPLATE {shop.name}")
    shop.run(SINCE)
    record_erasure(service=shop.slug, reference="7", reason="pedido 12", actor=BETO, now=NOW)
    return shop


def started(shop: Shop) -> UUID:
    """A plan that brings back older data, from where it is loaded to where it would get its name."""
    steps = filter(None, (review_step(shop.service), reapply_step(shop.service)))
    spec = PlanSpec("test", f"service:{shop.slug}", "A return", tuple(steps), {"team": "loja"})
    run_id = start_plan(spec, actor=WORKER, now=NOW, key=str(uuid4())).id
    with psycopg.connect(at_database(shop.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {loaded_of(shop, run_id)} TEMPLATE {shop.name}_before")
    return run_id


def loaded_of(shop: Shop, run_id: UUID) -> str:
    """What every step that loads data calls it."""
    return derived_name(shop.name, "new", mark_of(run_id))


def go(run_id: UUID) -> Outcome:
    return work(claim(run_id, living_executor()))


def waiting(shop: Shop, run_id: UUID | None = None) -> ReviewView:
    """A plan that waits for people."""
    run_id = run_id or started(shop)
    assert go(run_id) is Outcome.PAUSED
    (review,) = [one for one in list_reviews(shop.slug) if one.run_id == run_id]
    return review


def tick_all(review: ReviewView, actor: Actor = BETO) -> None:
    for one in review.points:
        tick_point(review.id, number=one.number, note="a equipe troca hoje", actor=actor, now=NOW)


def names(shop: Shop, database: str | None = None) -> set[int]:
    return {row[0] for row in shop.ask("SELECT id FROM people WHERE name IS NOT NULL", database)}


def test_it_waits_with_everything_that_comes_back_and_nothing_is_touched(private: Shop) -> None:
    review = waiting(private)
    found = {(point.kind, point.name): point.found for point in review.points}
    assert found[("people", "")] == {"registered": 2, "back": 2, "quiet": False}
    assert found[("tokens", "Tokens in force")]["keys"] == ["2"]
    assert found[("passwords", "Passwords")] == {"back": 2, "older": 1, "gone": 0, "keys": ["7", "8", "1"]}
    assert found[("permissions", "Roles")] == {"back": 1, "older": 0, "gone": 1, "keys": ["2 admin"]}
    run = get_run(review.run_id)
    assert (run.state, run.waits_at) == (RunState.PAUSED, f"/reviews/{review.id}/")
    assert names(private) == {1, 2, 3, 4, 5, 6, 9}
    told = OutboxEvent.objects.get(name="recovery.review.opened.v1")
    assert told.payload["points"] == 4


def test_when_all_is_ticked_nobody_is_in_the_loaded_data_before_it_gets_its_name(private: Shop) -> None:
    review = waiting(private)
    loaded = loaded_of(private, review.run_id)
    tick_all(review)
    assert names(private, loaded) == {1, 2, 3, 4, 5, 6, 7, 8, 9}
    assert go(review.run_id) is Outcome.SUCCEEDED
    assert names(private, loaded) == {1, 2, 3, 4, 5, 6, 9}
    assert private.ask("SELECT id FROM tokens WHERE revoked_at IS NOT NULL", loaded) == [(2,)]
    assert private.ask("SELECT count(*) FROM sessions", loaded) == [(0,)]
    # What nothing was declared for stays a person's business: the older password is there.
    assert private.ask("SELECT password_hash FROM people WHERE id = 1", loaded) == [("old",)]
    receipt = get_run(review.run_id).step("erasures").receipt
    assert receipt is not None
    assert (receipt["registered"], receipt["erased"], receipt["taken_away"]) == (2, 2, {"Tokens in force": 1})


def test_every_tick_has_a_name_in_the_audit_chain(private: Shop) -> None:
    review = waiting(private)
    tick_all(review)
    entries = [(entry.action, entry.actor) for entry in history(f"review:{review.id}")]
    assert entries.count(("review.ticked", "person:beto@loja.example")) == 4
    assert entries[-1] == ("review.agreed", "person:beto@loja.example")


def test_a_restore_and_its_undo_bring_nobody_back(shop: Shop) -> None:
    shop.run(TABLES)
    shop.declare(privacy=PRIVACY)
    backup = take_backup(service=shop.slug, actor=WORKER, now=NOW)
    shop.run(SINCE)
    record_erasure(service=shop.slug, reference="7", reason="pedido 12", actor=BETO, now=NOW)
    assert verify_backup(backup.id, actor=WORKER, now=NOW).evidence["privacy"] == {"registered": 1, "back": 1}
    before = shop.ask("SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM people p")
    shown = propose_restore(service=shop.slug, actor=WORKER, now=NOW, mode=RestoreMode.SWAP)
    review = waiting(shop, start_restore(shown.id, actor=WORKER, now=NOW).run_id)
    tick_all(review)
    assert go(review.run_id) is Outcome.SUCCEEDED
    assert names(shop) == {1, 2, 3, 4, 5, 6, 9}
    assert get_run(review.run_id).step("erased").receipt == {"again": 0, "registered": 2, "found": 0}
    told = OutboxEvent.objects.get(name="recovery.erasures.reapplied.v1")
    assert (told.payload["registered"], told.payload["back"]) == (2, 2)

    # Nobody was erased since: what it replaced comes back byte for byte.
    undo = undo_plan(review.run_id, actor=ANA, now=NOW)
    assert go(undo.id) is Outcome.SUCCEEDED
    assert shop.ask("SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM people p") == before
    assert shop.ask("SELECT count(*) FROM sessions") == [(1,)]


def test_a_rollback_to_a_pin_and_its_undo_bring_nobody_back(shop: Shop) -> None:
    shop.run(TABLES)
    shop.declare(privacy=PRIVACY)
    pin = Plan(shop.slug, change_id="0192").do("recovery.pin")
    shop.run(SINCE)
    record_erasure(service=shop.slug, reference="7", reason="pedido 12", actor=BETO, now=NOW)
    plan = Plan(shop.slug, pin_id=pin["pin_id"])
    plan.do("recovery.prepare_restore")
    # Steps of other rooms have receipts too, and words of their own in them.
    plan.receipts["git.release"] = {"target": "/srv/releases/1", "previous": "/srv/releases/2"}
    with worker_dies_at("recovery.erasures.said"), pytest.raises(Crash):
        plan.do("recovery.reapply_erasures")
    plan.take_over()
    assert plan.do("recovery.reapply_erasures")["erased"] == 2
    plan.do("recovery.restore_pin")
    plan.do("recovery.set_aside")
    assert plan.do("recovery.check_erasures") == {"again": 0, "registered": 2, "found": 0}
    assert names(shop) == {1, 2, 3, 4, 5, 6, 9}
    record_erasure(service=shop.slug, reference="3", reason="pedido 13", actor=BETO, now=NOW)
    plan.undo("recovery.restore_pin")
    assert 3 in names(shop)
    assert plan.undo("recovery.reapply_erasures")["erased"] == 1
    assert names(shop) == {1, 2, 4, 5, 6, 9}


@contextmanager
def worker_dies_at(place: str) -> Iterator[None]:
    def hook(name: str) -> None:
        if name == place:
            raise Crash

    crashpoints.hook = hook
    try:
        yield
    finally:
        crashpoints.hook = None


def test_an_undo_erases_who_was_erased_since(private: Shop) -> None:
    review = waiting(private)
    tick_all(review)
    go(review.run_id)
    # The returned data was in place, and in it 3 was erased on request and 4 in the shop: now it is taken away again.
    undo = undo_plan(review.run_id, actor=ANA, now=NOW)
    undone = derived_name(private.name, "undone", mark_of(undo.id))
    with psycopg.connect(at_database(private.dsn, "postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {loaded_of(private, review.run_id)} RENAME TO {undone}")
    private.run("UPDATE people SET name = NULL WHERE id IN (3, 4); INSERT INTO erased VALUES (4, now())", undone)
    record_erasure(service=private.slug, reference="3", reason="pedido 13", actor=BETO, now=NOW)
    assert go(undo.id) is Outcome.SUCCEEDED
    assert names(private) == {1, 2, 5, 6, 9}


def test_nobody_is_asked_when_nothing_comes_back(private: Shop) -> None:
    private.declare(
        privacy=PrivacySpec(
            compare=(ComparisonSpec("Tokens", "tokens", "SELECT 1"),), after_restore=PRIVACY.after_restore
        )
    )
    run_id = started(private)
    assert go(run_id) is Outcome.SUCCEEDED
    assert list_reviews(private.slug)[0].state is ReviewState.NOTHING
    assert private.service.privacy is not None
    private.declare(privacy=replace(private.service.privacy, ask="always"))
    assert [point.kind for point in waiting(private).points] == ["tokens", "said"]


def test_a_query_that_fails_is_asked_about_and_says_nothing_of_the_data(private: Shop) -> None:
    broken = ComparisonSpec("Chaves", "tokens", "SELECT id, no_such FROM tokens")
    private.declare(privacy=replace(PRIVACY, compare=(broken,)))
    review = waiting(private)
    point = next(point for point in review.points if point.name == "Chaves")
    assert "UndefinedColumn" in point.text
    with pytest.raises(Invalid):
        tick_point(review.id, number=point.number, actor=BETO, now=NOW)


def test_only_the_team_ticks_once_and_with_a_note_where_nothing_helps_by_itself(private: Shop) -> None:
    review = waiting(private)
    with pytest.raises(NotAllowed):
        tick_point(review.id, number=1, actor=CAIO, now=NOW)
    roles = next(point.number for point in review.points if point.kind == "permissions")
    with pytest.raises(Invalid):
        tick_point(review.id, number=roles, actor=BETO, now=NOW)
    tick_point(review.id, number=1, actor=BETO, now=NOW)
    with pytest.raises(AlreadyTicked):
        tick_point(review.id, number=1, actor=BETO, now=NOW)
    assert get_run(review.run_id).state is RunState.PAUSED


def test_four_eyes_are_two_people(private: Shop) -> None:
    private.declare(privacy=replace(PRIVACY, four_eyes=True))
    review = waiting(private)
    tick_all(review, BETO)
    with pytest.raises(SecondPersonNeeded):
        tick_point(review.id, number=1, actor=BETO, now=NOW)
    assert get_run(review.run_id).state is RunState.PAUSED
    tick_all(review, ANA)
    assert go(review.run_id) is Outcome.SUCCEEDED


def test_who_takes_the_plan_over_asks_the_same_question_again(private: Shop) -> None:
    review = waiting(private)
    tick_point(review.id, number=1, actor=BETO, now=NOW)
    resume_plan(review.run_id, actor=ANA, now=NOW)
    again = waiting(private, review.run_id)
    assert (again.id, again.left) == (review.id, len(review.points) - 1)


def test_a_waiting_plan_can_be_aborted_and_nobody_is_asked_any_more(private: Shop) -> None:
    review = waiting(private)
    undo = abort_plan(review.run_id, actor=ANA, now=NOW)
    assert go(undo.id) is Outcome.SUCCEEDED
    with pytest.raises(ReviewOver):
        tick_point(review.id, number=1, actor=BETO, now=NOW)


def test_statements_that_do_not_erase_stop_the_plan_before_the_data_is_in_place(private: Shop) -> None:
    useless = ErasureSpec(ERASURES.find, ("UPDATE people SET role = role WHERE id = %(reference)s",))
    private.declare(privacy=replace(PRIVACY, erasures=useless))
    review = waiting(private)
    tick_all(review)
    assert go(review.run_id) is Outcome.FAILED
    assert get_run(review.run_id).step("erasures").error.startswith("1 people")
    assert 8 in names(private, loaded_of(private, review.run_id))


def test_the_services_own_program_erases_and_is_given_references_on_its_input(private: Shop) -> None:
    program = private.folder / "erase.py"
    program.write_text(
        "import json, sys, psycopg\n"
        "with psycopg.connect(open(sys.argv[1]).read()) as c:\n"
        "    for line in sys.stdin:\n"
        "        c.execute('UPDATE people SET name = NULL WHERE id = %s', (json.loads(line)['reference'],))\n"
    )
    command = (sys.executable, str(program), str(private.folder / "dsn"))
    by_program = ErasureSpec(ERASURES.find, command=command)
    private.declare(privacy=PrivacySpec(erasures=by_program))
    plan = Plan(private.slug)
    private.run("UPDATE people SET name = 'back' WHERE id = 7")
    assert plan.do("recovery.check_erasures")["found"] == 0
    assert 7 not in names(private)


def test_data_that_came_by_another_way_is_looked_at_once_it_is_in_place(private: Shop) -> None:
    plan = Plan(private.slug)
    assert plan.do("recovery.reapply_erasures")["deferred"]
    private.run("UPDATE people SET name = 'back' WHERE id = 7")
    assert plan.do("recovery.check_erasures") == {"again": 1, "taken_away": {}, "registered": 1, "found": 0}
    assert 7 not in names(private)
    assert private.ask("SELECT count(*) FROM sessions") == [(0,)]


def test_the_register_keeps_no_reference_in_the_clear(private: Shop, settings: Any) -> None:
    row = Erasure.objects.get(service=private.slug)
    assert row.sealed != "7"
    assert references_of(private.slug) == ("7",)
    (shown,) = erasures_of(private.slug)
    assert (shown.reason, shown.recorded_by) == ("pedido 12", "person:beto@loja.example")
    record_erasure(service=private.slug, reference="7", reason="de novo", actor=BETO, now=NOW)
    assert Erasure.objects.filter(service=private.slug).count() == 1
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8
    assert references_of(private.slug) == ("7",)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ReferenceUnreadable):
        references_of(private.slug)


def test_what_the_register_refuses(shop: Shop) -> None:
    def erase(reference: str, reason: str = "pedido", actor: Actor = BETO, **more: Any) -> None:
        record_erasure(service=shop.slug, reference=reference, reason=reason, actor=actor, now=NOW, **more)

    with pytest.raises(NothingErases):
        erase("7")
    shop.declare(privacy=PRIVACY)
    for call, error in (
        (lambda: erase("7", actor=CAIO), NotAllowed),
        (lambda: erase(" "), BadReference),
        (lambda: erase("7\n8"), BadReference),
        (lambda: erase("7", reason=" "), Invalid),
        (lambda: erase("7", erased_at=NOW + timedelta(days=1)), Invalid),
    ):
        refused(call, error)
    assert not erasures_of(shop.slug)


def refused(call: Callable[[], None], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_a_service_that_declares_nothing_is_asked_nothing(shop: Shop) -> None:
    assert (review_step(shop.service), reapply_step(shop.service), check_step(shop.service)) == (None, None, None)
