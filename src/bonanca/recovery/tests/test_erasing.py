"""The service's own program that erases people: what is told when it fails."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from bonanca.catalog.spec import ErasureSpec, ServiceView
from bonanca.durable.errors import StepFailed
from bonanca.recovery import erasing
from bonanca.recovery.erasing import erase_by_command
from bonanca.recovery.tests.plans import Plan
from bonanca.running import programs
from bonanca.running.homes import RemoteRan

SERVICE = ServiceView("loja-api", "Loja", "loja")
NAMES_THEM = "import sys; sys.exit('no such person: ' + sys.stdin.read())"
FAILS = ErasureSpec("", command=(sys.executable, "-c", NAMES_THEM))


def erase(erasures: ErasureSpec) -> None:
    erase_by_command(Plan("loja-api").context("recovery.check_erasures"), SERVICE, erasures, ["joao@loja.example"])


def near(monkeypatch: pytest.MonkeyPatch) -> None: ...


def far(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_far(*_args: Any, **_facts: Any) -> RemoteRan:
        return RemoteRan(1, "", "no such person: joao@loja.example")

    monkeypatch.setattr(programs, "ssh_host", lambda service: object())
    monkeypatch.setattr(programs, "run_far", run_far)


@pytest.mark.parametrize("place", [near, far])
def test_what_a_failing_program_said_about_people_is_told_to_nobody(
    place: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch)
    with pytest.raises(StepFailed) as failed:
        erase(FAILS)
    told = str(failed.value)
    assert "failed (1)" in told
    assert "own log" in told
    assert "joao" not in told
    # Nor does a log that has the whole chain of errors.
    assert failed.value.__context__ is None or failed.value.__suppress_context__


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(StepFailed, match="no-such-program"):
        erase(ErasureSpec("", command=("no-such-program",)))


def test_what_the_program_prints_is_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = erasing.tempfile.TemporaryFile
    monkeypatch.setattr(erasing.tempfile, "TemporaryFile", lambda: opened.append("one") or real())
    erase(ErasureSpec("", command=(sys.executable, "-c", "import sys; print(sys.stdin.read() * 100_000)")))
    assert opened == ["one"]  # what it is given
