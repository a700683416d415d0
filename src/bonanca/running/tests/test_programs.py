"""A service's own program is told the same and tells the same, here and on the service's other host."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import pytest

from bonanca.actuators.command.output import Tail
from bonanca.catalog.spec import ServiceView
from bonanca.response.service_commands import run_for
from bonanca.running.programs import Ended, run_program

SAYS = ("sh", "-c", 'cat; echo "$LEVEL $1 in $(basename "$(pwd -P)")"; echo broken >&2; exit "$2"', "sh", "{key}")


@pytest.fixture(params=["here", "on its other host"])
def at_home(service: ServiceView, request: pytest.FixtureRequest) -> ServiceView:
    assert service.run is not None
    host = service.run.host if request.param != "here" else None
    return replace(service, run=replace(service.run, host=host, env={"LEVEL": "info"}))


def said(service: ServiceView, code: str) -> tuple[Ended, str]:
    output = Tail(1000)
    words, given = (*SAYS, code), {"key": "a {port} b"}
    with tempfile.TemporaryFile() as rows:
        rows.write(b"rows\n")
        rows.seek(0)
        ended = run_program(service, words, timeout_s=30, given=given, input=rows, stdout=output)
    return ended, output.text()


def test_what_it_is_given_and_what_it_says(at_home: ServiceView) -> None:
    ended, output = said(at_home, "0")
    assert (ended.ok, ended.problem) == (True, "")
    # A key's brace is no placeholder; the folder is that of the release that runs.
    assert output == "rows\ninfo a {port} b in abc\n"


def test_one_that_fails_says_how_and_with_what(at_home: ServiceView) -> None:
    ended, output = said(at_home, "3")
    assert (ended.code, ended.words, ended.retryable) == (3, "", False)
    assert "sh" in ended.problem
    assert "(3): broken" in ended.problem
    assert output.startswith("rows")
    # So does a command of a plan, which was nameless when it failed on another host.
    ran = run_for(at_home, ("sh", "-c", "echo tests; echo broken >&2; exit 3"), timeout_s=30)
    assert (ran.ok, ran.returncode, "(3): broken" in ran.words, ran.tail) == (False, 3, True, "tests\nbroken\n")


def test_one_that_is_not_there_here_is_named_in_our_words(service: ServiceView) -> None:
    assert service.run is not None
    here = replace(service, run=replace(service.run, host=None))
    ended = run_program(here, ("no-such-program",), timeout_s=30, stdout=Tail(10))
    assert (ended.code, ended.retryable, "no-such-program" in ended.words) == (None, False, True)
