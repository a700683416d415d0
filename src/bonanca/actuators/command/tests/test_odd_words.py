"""A program prints what it likes: what cannot be stored is recorded without it, and nothing is done again for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bonanca.actuators.command import steps
from bonanca.durable.interpreter import Outcome
from bonanca.durable.queries import get_run
from bonanca.durable.tests.world import claim, living_executor, plan, work

pytestmark = pytest.mark.django_db
assert steps  # the kind `command.run` is registered

PROGRAM = """
import pathlib, sys
with open("runs", "a") as runs:
    runs.write("x")
stream = sys.stderr if sys.argv[1] == "fail" else sys.stdout
stream.buffer.write(b"before\\x00after")
sys.exit(sys.argv[1] == "fail")
"""


@pytest.mark.parametrize(("verb", "outcome"), [("print", Outcome.SUCCEEDED), ("fail", Outcome.FAILED)])
def test_a_zero_byte_in_an_output_is_recorded_once(tmp_path: Path, verb: str, outcome: Outcome) -> None:
    argv = [sys.executable, "-c", PROGRAM, verb]
    run = plan({"argv": argv, "cwd": str(tmp_path), "resource": f"odd-{verb}"}, kind="command.run", retry_for_s=5)
    assert work(claim(run.id, living_executor())) is outcome
    [step] = get_run(run.id).steps
    said = step.receipt["output"] if step.receipt else step.error
    assert "before\ufffdafter" in said
    assert (tmp_path / "runs").read_text() == "x"
