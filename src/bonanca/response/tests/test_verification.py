"""Asking from outside: real HTTP and real SQL, and an answer for everything that can go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from bonanca.catalog.spec import ReplicaSpec, RunSpec, ServiceView, VerifySpec
from bonanca.response.verification import BODY_LIMIT, Verdict, ask, check_of
from bonanca.running.parts import in_order

PAGES: dict[str, tuple[int, bytes]] = {
    "/health": (200, b"ok"),
    "/products": (200, '[{"price": 10, "name": "pão"}]'.encode()),
    "/broken": (500, b"oops"),
    "/moved": (302, b""),
    "/huge": (200, b"x" * (BODY_LIMIT + 100_000)),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = PAGES[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/health")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # the reader may have read enough
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def replica() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("check", "passed", "found"),
    [
        (VerifySpec("health", http="/health"), True, "HTTP 200"),
        (VerifySpec("products", http="/products", contains='"price"'), True, "HTTP 200"),
        (VerifySpec("products", http="/products", contains="pão"), True, "HTTP 200"),
        (VerifySpec("products", http="/products", contains="loyalty"), False, "does not contain 'loyalty'"),
        (VerifySpec("broken", http="/broken"), False, "HTTP 500, expected 200"),
        (VerifySpec("broken", http="/broken", expect_status=500), True, "HTTP 500"),
        # A redirection is what it is: what it leads to was not asked for.
        (VerifySpec("moved", http="/moved"), False, "HTTP 302, expected 200"),
        (VerifySpec("moved", http="/moved", expect_status=302), True, "HTTP 302"),
        (VerifySpec("huge", http="/huge", contains="y"), False, "does not contain"),
    ],
)
def test_http_is_asked_as_declared(replica: str, check: VerifySpec, passed: bool, found: str) -> None:
    [verdict] = ask(check, replicas=(replica,), dsn=None)
    assert (verdict.passed, found in verdict.found, verdict.where) == (passed, True, replica)


def test_every_replica_is_asked(replica: str) -> None:
    up, down = ask(VerifySpec("health", http="/health"), replicas=(replica, "http://127.0.0.1:1"), dsn=None)
    assert (up.passed, down.passed) == (True, False)
    assert down.found.startswith("ConnectError")


@pytest.mark.parametrize(
    ("check", "passed", "found"),
    [
        (VerifySpec("s", sql="select 0", equals=0), True, "0"),
        (VerifySpec("s", sql="select 3", equals=0), False, "3"),
        (VerifySpec("s", sql="select 0.00::numeric", equals=0), True, "0.00"),
        (VerifySpec("s", sql="select 'ok'", equals="ok"), True, "ok"),
        (VerifySpec("s", sql="select true", equals=True), True, "True"),
        (VerifySpec("s", sql="select 5", at_least=5), True, "5"),
        (VerifySpec("s", sql="select 4", at_least=5), False, "4"),
        (VerifySpec("s", sql="select null", at_least=0), False, "None"),
        (VerifySpec("s", sql="select 'many'", at_least=5), False, "many"),
        (VerifySpec("s", sql="select 1 where false", equals=1), False, "None"),
        (VerifySpec("s", sql="select 'a%'", equals="a%"), True, "a%"),
        (VerifySpec("s", sql="selekt", equals=1), False, "SyntaxError"),
        (VerifySpec("s", sql="", equals=None), False, ""),
    ],
)
def test_sql_is_asked_as_declared(scratch_database: str, check: VerifySpec, passed: bool, found: str) -> None:
    [verdict] = ask(check, replicas=(), dsn=scratch_database)
    assert (verdict.passed, found in verdict.found) == (passed, True)


def test_a_servers_details_about_rows_are_not_repeated(scratch_database: str) -> None:
    check = VerifySpec("s", sql="""SELECT convert_from(E'{"name": "Ana Souza"', 'UTF8')::json""", equals=1)
    [verdict] = ask(check, replicas=(), dsn=scratch_database)
    assert verdict.found == "InvalidTextRepresentation: invalid input syntax for type json"


def test_a_check_cannot_write(scratch_database: str) -> None:
    with psycopg.connect(scratch_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (number int)")
        check = VerifySpec("s", sql="INSERT INTO orders VALUES (1) RETURNING number", equals=1)
        [verdict] = ask(check, replicas=(), dsn=scratch_database)
        assert not verdict.passed
        assert "read-only" in verdict.found
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_a_database_that_is_not_there_is_an_answer() -> None:
    check = VerifySpec("s", sql="select 1", equals=1)
    [down] = ask(check, replicas=(), dsn="postgresql://nobody@127.0.0.1:1/x")
    [none] = ask(check, replicas=(), dsn=None)
    assert (down.passed, none.passed) == (False, False)
    assert none.found == "the service declares no database"


def test_a_port_answers_or_does_not(replica: str) -> None:
    address = replica.removeprefix("http://")
    [up] = ask(VerifySpec("pay", tcp=address), replicas=(), dsn=None)
    [down] = ask(VerifySpec("pay", tcp="127.0.0.1:1"), replicas=(), dsn=None)
    assert (up.passed, up.where, down.passed) == (True, address, False)
    assert "refused" in down.found
    [odd] = ask(VerifySpec("pay", tcp="pay..example:443"), replicas=(), dsn=None)
    assert odd.found.startswith("UnicodeError")


@pytest.fixture
def service(tmp_path: Path) -> ServiceView:
    """A service whose current release holds its test suite."""
    release = tmp_path / "releases" / "abc"
    release.mkdir(parents=True)
    (release / "suite.py").write_text(SUITE)
    (tmp_path / "current").symlink_to("releases/abc")
    run = RunSpec(("x",), (ReplicaSpec(9101),), env={"MODE": "probe"})
    return ServiceView("loja-api", "Loja", "loja", root=tmp_path, run=run)


SUITE = """
import os, sys, time
print(os.getcwd(), os.environ.get("MODE"), "secret" if "DATABASE_URL" in os.environ else "clean", *sys.argv[1:])
if "slow" in sys.argv:
    time.sleep(60)
if "bad" in sys.argv:
    print("E   assert 1 == 2")
    sys.exit("1 failed")
"""


def suite(service: ServiceView, *words: str, timeout_s: float = 30) -> Verdict:
    check = VerifySpec("suite", command=("{python}", "suite.py", "{port}", *words), timeout_s=timeout_s)
    [verdict] = ask(check, replicas=(), dsn=None, service=service)
    return verdict


def test_the_teams_own_suite_runs_in_the_release_without_our_secrets(service: ServiceView) -> None:
    verdict = suite(service)
    assert (verdict.passed, verdict.found) == (True, "it ended with 0")
    assert verdict.evidence.split()[1:] == ["probe", "clean", "9101"]
    assert verdict.evidence.startswith(f"{service.root}/releases/abc ")


def test_a_suite_that_fails_leaves_its_last_words(service: ServiceView) -> None:
    verdict = suite(service, "bad")
    assert (verdict.passed, verdict.found) == (False, "it ended with 1")
    assert "E   assert 1 == 2" in verdict.evidence
    assert "1 failed" in verdict.evidence


def test_a_suite_that_does_not_end_is_stopped(service: ServiceView) -> None:
    verdict = suite(service, "slow", timeout_s=0.8)
    assert (verdict.passed, "0.8 s" in verdict.found) == (False, True)


def test_a_program_that_is_not_there_is_an_answer(service: ServiceView) -> None:
    [verdict] = ask(VerifySpec("x", command=("no-such-program",)), replicas=(), dsn=None, service=service)
    assert (verdict.passed, "no-such-program" in verdict.found) == (False, True)


def test_checks_of_what_was_hit_come_first_and_programs_last() -> None:
    health, cart = VerifySpec("health", http="/h"), VerifySpec("cart", http="/c", affects=("/cart",))
    tests = VerifySpec("tests", command=("true",))
    pay = VerifySpec("pay", command=("true",), affects=("/checkout",))
    given = (tests, health, cart, pay)
    assert [c.name for c in in_order(given, ["/checkout/card"])] == ["pay", "health", "cart", "tests"]
    assert [c.name for c in in_order(given, [])] == ["cart", "pay", "health", "tests"]
    assert check_of(json.loads(json.dumps(asdict(pay)))) == pay
