"""The command line: quick, helpful, and never a traceback for what can be expected."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bonanca.cli.failures import as_failure
from bonanca.cli.main import build, room_commands, run
from bonanca.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable


def command(*arguments: str, home: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `bonanca` as people do: in a process of its own, with nothing but what is given in the environment."""
    base = {"PATH": os.environ["PATH"], "BONANCA_HOME": str(home)} if home else {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", "bonanca.cli.main", *arguments],
        capture_output=True,
        text=True,
        env=base | environment,
        timeout=60,
    )


def test_the_help_needs_no_django() -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bonanca.cli.main", "--help"], capture_output=True, text=True
    )
    assert "bonanca up" in loaded.stdout
    modules = {line.rpartition("|")[2].strip().split(".")[0] for line in loaded.stderr.splitlines()}
    assert not modules & {"django", "psycopg", "httpx", "altair", "dbos", "structlog"}


def test_every_rooms_commands_are_mounted() -> None:
    groups = {group.name for group in build().registered_groups}
    assert "bonanca.kernel.cli" in room_commands()
    assert "audit" in groups


def test_the_version_is_told() -> None:
    assert command("--version").stdout.startswith("bonanca ")


def test_an_unknown_command_is_refused_in_two_lines() -> None:
    done = command("nonsense")
    assert done.returncode == 2
    assert done.stderr == "error: No such command 'nonsense'.\n       See `bonanca --help`.\n"


def test_a_refusal_is_an_object_when_json_was_asked_for() -> None:
    done = command("doctor", "--json", "--nonsense")
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["code"] == "invalid"


def test_without_a_database_a_command_says_what_to_do(tmp_path: Path) -> None:
    done = command("migrate", home=tmp_path)
    assert (done.returncode, done.stdout) == (6, "")
    assert "bonanca up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    done = command("migrate", home=tmp_path, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{port}/none")
    assert done.returncode == 6
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("web", "--port"), ("up", "--no-gateway", "--port")])
def test_a_taken_port_is_refused_and_nothing_is_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = command(*arguments, str(other.getsockname()[1]), home=home)
    assert done.returncode == 5
    assert "is taken" in done.stderr
    assert not (home / "postgres").exists()


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Invalid("x"), 2),
        (NotFound("x"), 3),
        (NotAllowed("x"), 4),
        (Conflict("x"), 5),
        (Unavailable("x"), 6),
        (FileNotFoundError(2, "No such file", "bonanca.yaml"), 2),
    ],
)
def test_each_refusal_has_its_exit_code(problem: Exception, code: int) -> None:
    failure = as_failure(problem)
    assert failure is not None
    assert failure.exit_code == code


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    assert as_failure(KeyError("x")) is None


def test_help_of_every_command_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("up", "web", "worker", "migrate", "doctor", "gateway"):
        assert run([name, "--help"]) == 0
        assert name in capsys.readouterr().out
