"""What dies comes back, what is told to end ends in order, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bonanca.actuators.postgres.leftovers import server_processes
from bonanca.cli.supervisor.instance import AlreadyRunning, is_running, only_one, read_state
from bonanca.cli.supervisor.leftovers import end_leftovers, started_ticks
from tests.support.poll import eventually

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
FORKS = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); time.sleep(600)"
FAILS = "print('the reason is here', flush=True); raise SystemExit(7)"

Toys = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Toys]:
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "bonanca.cli.tests.toys", str(tmp_path), *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        # In order, so that what a part has forked ends too: a killed supervisor reaches only its own children.
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def state(home: Path) -> dict[str, Any]:
    """Return what the supervisor says, once it says it."""
    said = eventually(lambda: read_state(home))
    assert said is not None
    return said


def part(home: Path, name: str, other_than: int = 0) -> int:
    """Return the pid of a part, once it runs (again)."""

    def running() -> int:
        pid = int((read_state(home) or {}).get("parts", {}).get(name, {}).get("pid", 0))
        return pid if pid != other_than and started_ticks(pid) else 0

    return eventually(running)


def session_of(pid: int) -> list[int]:
    """Return the living processes of a part's session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and started_ticks(int(entry.name)):
            try:
                if os.getsid(int(entry.name)) == pid:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


def ignores(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process has come so far as to ignore a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_part_that_is_killed_is_started_again(tmp_path: Path, toys: Toys) -> None:
    process = toys(f"one={SLEEPS}", f"two={SLEEPS}")
    one, two = part(tmp_path, "one"), part(tmp_path, "two")
    os.kill(one, signal.SIGKILL)
    assert part(tmp_path, "one", other_than=one) != one
    assert part(tmp_path, "two") == two
    process.terminate()
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "one ended (SIGKILL), starting it again" in said


def test_what_a_killed_part_had_started_ends_with_it(tmp_path: Path, toys: Toys) -> None:
    toys(f"one={FORKS}")
    one = part(tmp_path, "one")
    eventually(lambda: len(session_of(one)) == 2)
    os.kill(one, signal.SIGKILL)
    part(tmp_path, "one", other_than=one)
    assert session_of(one) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_ends_everything_and_lets_the_home_go(tmp_path: Path, toys: Toys, number: signal.Signals) -> None:
    process = toys("with-database", f"one={SLEEPS}")
    one = part(tmp_path, "one")
    assert is_running(tmp_path)
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert started_ticks(one) is None
    assert server_processes(tmp_path / "postgres" / "data") == []
    assert not is_running(tmp_path)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["lock"]


def test_a_part_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path, toys: Toys) -> None:
    process = toys(f"one={DEAF}")
    one = part(tmp_path, "one")
    eventually(lambda: ignores(one, signal.SIGTERM))
    process.terminate()
    process.communicate(timeout=10)
    assert started_ticks(one) is None


def test_a_second_stop_does_not_wait(tmp_path: Path, toys: Toys) -> None:
    process = toys("with-database", f"one={DEAF}")
    one = part(tmp_path, "one")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert started_ticks(one) is None
    assert server_processes(tmp_path / "postgres" / "data") == []


def test_a_killed_supervisor_takes_everything_with_it(tmp_path: Path, toys: Toys) -> None:
    process = toys("with-database", f"one={SLEEPS}")
    one = part(tmp_path, "one")
    process.kill()
    eventually(lambda: started_ticks(one) is None and not server_processes(tmp_path / "postgres" / "data"))
    assert read_state(tmp_path) is None  # the file it left says nothing any more


def test_a_killed_database_is_started_again(tmp_path: Path, toys: Toys) -> None:
    toys("with-database", f"one={SLEEPS}")
    before = state(tmp_path)["database"]
    os.kill(before, signal.SIGKILL)
    after = eventually(lambda: (now := (read_state(tmp_path) or {}).get("database")) != before and now)
    assert started_ticks(after)


def test_a_part_that_cannot_run_is_given_up_with_its_reason(tmp_path: Path, toys: Toys) -> None:
    process = toys("hurried", f"one={SLEEPS}", f"two={FAILS}")
    one = part(tmp_path, "one")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "two died 8 times in a row" in said
    assert "exit code 7" in said
    assert "the reason is here" in said
    assert started_ticks(one) is None


def test_one_instance_a_home(tmp_path: Path, toys: Toys) -> None:
    toys(f"one={SLEEPS}")
    part(tmp_path, "one")
    with pytest.raises(AlreadyRunning, match="already runs"), only_one(tmp_path):
        pass


def test_leftovers_of_a_killed_instance_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    def child() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)

    ours, stranger = child(), child()
    try:
        os.kill(ours.pid, signal.SIGSTOP)
        parts = {
            "web": {"pid": ours.pid, "started": started_ticks(ours.pid)},
            "worker": {"pid": stranger.pid, "started": 1},  # its pid was given to somebody else since
        }
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "state.json").write_text(json.dumps({"pid": 1, "parts": parts}))
        assert end_leftovers(tmp_path, patience_s=0.2) == ["web"]
        assert ours.wait(5) == -signal.SIGKILL
        assert stranger.poll() is None
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()
