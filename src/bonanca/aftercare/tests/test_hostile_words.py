"""What a service prints, logs and answers is taken as far as it goes: it stops no list, no plan and no worker."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bonanca.aftercare import listing
from bonanca.aftercare.again import Work, do_again
from bonanca.aftercare.listing import Room
from bonanca.aftercare.models import ReexecutionItem
from bonanca.aftercare.queries import items_of
from bonanca.aftercare.tests.working import carry_out, listed, log_of, outcomes, request, server, started
from bonanca.aftercare.views import ReexecutionView
from bonanca.catalog.spec import AgainSpec, DatabaseSpec, HttpAgain, SourceSpec
from tests.support.loja import SLUG, Shop

pytestmark = pytest.mark.django_db
AGAIN = AgainSpec(command=("true",))
LEFT_OUT = "1 entries without a usable key or content were left out"


def watch() -> None: ...


def printing(program: str, name: str = "queue", again: AgainSpec = AGAIN) -> SourceSpec:
    return SourceSpec(name, again, command=("{python}", "-c", program))


def keys(found: ReexecutionView) -> list[str]:
    return [item.key for item in items_of(found.id)]


@pytest.mark.parametrize(
    "line",
    [
        '{"status": Infinity, "method": "POST"}',
        '{"request_id": "r", "status": 500, "method": "POST", "body": ' + "[" * 100_000,
        '{"request_id": "r", "status": 500, "method": "POST", "time": 1e400}',
        '{"request_id": "r", "status": 500, "method": "POST", "time": "0001-01-01T00:00:00+14:00"}',
        '{"request_id": "r", "status": ' + "9" * 5000 + "}",
        '{"request_id": "r", "status": 500, "method": "POST", "path": ' + "[" * 800 + "]" * 800 + "}",
    ],
    ids=["no number", "nested", "no time", "before all time", "digits", "no path"],
)
def test_a_line_of_a_log_stops_no_list(shop: Shop, tmp_path: Path, line: str) -> None:
    found = listed(shop, log_of(tmp_path / "log", line + "\n", request(1)))
    assert keys(found) == ["r-0001"]


@pytest.mark.parametrize(
    "entry",
    [
        r'{"key": "a\ud800"}',
        r'{"key": "a\u001b[2J"}',
        r'{"key": "a\u009b2J"}',
        r'{"key": "a", "payload": "\ud800"}',
        r'{"key": "a", "payload": {"name": "\ud800"}}',
        r'{"key": "a", "payload": {"name": "\u0000"}, "method": "\u0000"}',
    ],
)
def test_what_cannot_be_kept_is_left_out_and_told(shop: Shop, entry: str) -> None:
    found = listed(shop, printing(f'print({entry!r}); print(\'{{"key": "b"}}\')'))
    assert (keys(found), found.problems[0]["error"]) == (["b"], LEFT_OUT)


def test_what_is_only_shown_is_shown_as_far_as_it_goes(shop: Shop) -> None:
    entry = r'{"key": "a", "label": "\u001b]0;x\u0007 \ud800\u0000 oi", "at": "0001-01-01T00:00:00+14:00"}'
    found = listed(shop, printing(f"print({entry!r})"))
    [item] = items_of(found.id)
    assert (item.label, item.failed_at) == ("]0;x  \ufffd\ufffd oi", None)


def test_the_last_words_of_a_listing_may_hold_anything(shop: Shop) -> None:
    program = "import sys; sys.stderr.buffer.write(b'no\\x00pe\\x1b[2J'); sys.exit(1)"
    found = listed(shop, printing(program), printing('print(\'{"key": "b"}\')', "other"))
    assert keys(found) == ["b"]
    assert "no\ufffdpe [2J" in found.problems[0]["error"]


def test_answers_of_a_replay_may_hold_anything(shop: Shop) -> None:
    replay = r"""
print('{"key": "a", "outcome": "conflict", "reason": "n\\u0000o \\ud800"}')
print('{"key": "b", "outcome": "applied", "x": ' + '[' * 100_000)
print('{"key": "b", "outcome": "applied", "x": "' + 'x' * 1_000_000 + '"}')
print('{"key": "b", "outcome": "applied"}')
"""
    shop.declare(replay=("{python}", "-c", replay))
    found = listed(shop, printing('print(\'{"key": "a"}\'); print(\'{"key": "b"}\')', again=AgainSpec(replay=True)))
    carry_out(started(shop, found))
    assert outcomes(found) == {"a": "failed", "b": "done"}
    assert items_of(found.id)[0].reason == "n\ufffdo \ufffd"


def test_a_stranger_cannot_say_of_other_work_that_it_was_done(shop: Shop, tmp_path: Path) -> None:
    forged = f"bonanca:{SLUG}:checkout:r-0002"
    found = listed(shop, log_of(tmp_path / "log", request(1, idempotency_key=forged)))
    assert [item.idempotency_key for item in items_of(found.id)] == [f"bonanca:{SLUG}:checkout:r-0001"]


def test_long_keys_that_end_differently_stay_two(shop: Shop) -> None:
    name = "mensagens-da-fila-de-pagamentos-que-ninguem-leu-a-tempo"
    program = "import json\nfor n in '12': print(json.dumps({'key': 'k' * 199 + n}))"
    first, second = items_of(listed(shop, printing(program, name)).id)
    assert first.idempotency_key != second.idempotency_key
    assert max(len(one.idempotency_key) for one in (first, second)) <= 255


def test_a_label_holds_no_query(shop: Shop, tmp_path: Path) -> None:
    found = listed(shop, log_of(tmp_path / "log", request(1, path="/reset?token=s3cret")))
    assert [item.label for item in items_of(found.id)] == ["POST /reset 500"]
    assert ReexecutionItem.objects.get(reexecution=found.id).content["path"] == "/reset?token=s3cret"


def test_a_key_with_accents_is_sent_in_a_header(shop: Shop) -> None:
    with server() as (orders, run):
        shop.declare(run=run)
        source = printing("", again=AgainSpec(http=HttpAgain(path="/jobs", method="POST")))
        work = Work("ação 1%", "bonanca:loja-api:queue:ação 1%", {"payload": "{}"})
        assert do_again(shop.service, source, work, watch=watch).state == "done"
    assert list(orders.taken) == ["bonanca:loja-api:queue:a%C3%A7%C3%A3o 1%"]


def test_a_reason_of_the_database_holds_no_row(shop: Shop, scratch_database: str, tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text(scratch_database)
    name = scratch_database.rsplit("/", 1)[-1]
    shop.declare(database=DatabaseSpec(dsn_file=tmp_path / "dsn", name=name))
    with psycopg.connect(scratch_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE mails (who text PRIMARY KEY); INSERT INTO mails VALUES ('ana@example.org')")
    source = printing("", again=AgainSpec(sql="INSERT INTO mails VALUES (%(payload)s)"))
    answer = do_again(shop.service, source, Work("1", "k", {"payload": "ana@example.org"}), watch=watch)
    assert answer.state == "failed"
    assert answer.reason == 'UniqueViolation: duplicate key value violates unique constraint "mails_pkey"'


def test_a_list_holds_so_much_of_all_its_sources_together(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bonanca.aftercare.operations.list_failed.Room", lambda: Room(3 * 12_048))
    program = "import json\nfor n in range(2): print(json.dumps({'key': f'k-{n}', 'payload': 'x' * 10_000}))"
    found = listed(shop, printing(program, "first"), printing(program, "second"))
    assert [(item.source, item.key) for item in items_of(found.id)] == [
        ("first", "k-0"), ("first", "k-1"), ("second", "k-0"),
    ]  # fmt: skip
    assert found.problems == ({"source": "second", "error": "the list is full: choose a shorter period"},)


def test_what_replaces_an_entry_takes_its_room(shop: Shop, tmp_path: Path) -> None:
    source = log_of(tmp_path / "log", *(request(1, body="x" * 5000) for _time in range(10)), request(1, body="last"))
    room = Room(8_000)
    found, problem = listing.list_source(shop.service, source, request_at(0), request_at(9), room)
    assert ([one.content["payload"] for one in found], problem) == (["last"], "")


def request_at(minute: int) -> listing.datetime:
    return listing.datetime.fromisoformat(request(minute)["time"])


def test_a_line_without_end_is_left_out_and_told(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_LINE", 10_000)
    long = '{"body": "' + "x" * 100_000 + '"}\n'
    found = listed(shop, log_of(tmp_path / "log", request(1), long, request(2)))
    assert (keys(found), found.problems[0]["error"]) == (["r-0001", "r-0002"], LEFT_OUT)


def test_a_program_that_prints_without_end_is_cut_and_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_OUTPUT", 100_000)
    program = "print('{\"key\": \"a\"}'); print('noise\\n' * 1_000_000)"
    found = listed(shop, printing(program))
    assert keys(found) == ["a"]
    assert found.problems[0]["error"] == "it printed more than could be kept: choose a shorter period"


def test_a_log_that_is_no_file_is_not_waited_for(shop: Shop, tmp_path: Path) -> None:
    source = log_of(tmp_path / "log", request(1))
    os.mkfifo(tmp_path / "pipe")
    assert source.log is not None
    found = listed(shop, replace(source, log=replace(source.log, file=str(tmp_path / "pipe"))))
    assert found.problems[0]["error"] == f"{tmp_path / 'pipe'} is not a regular file"
