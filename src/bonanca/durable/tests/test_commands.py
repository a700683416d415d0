"""Commands that a step starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from django.utils import translation

from bonanca.durable import commands, leash
from bonanca.durable.commands import OUTPUT_LIMIT, CommandFailed, run
from bonanca.durable.errors import StepStopped
from bonanca.durable.host import process
from tests.support.poll import eventually


def test_output_and_input() -> None:
    result = run(["tr", "a-z", "A-Z"], timeout_s=10, input=b"calm")
    assert (result.text, result.truncated) == ("CALM", False)


def test_arguments_are_never_read_by_a_shell(tmp_path: Path) -> None:
    result = run(["printf", "%s", "$(touch evil); `touch evil`"], timeout_s=10, cwd=tmp_path)
    assert result.text == "$(touch evil); `touch evil`"
    assert list(tmp_path.iterdir()) == []


def test_failure_carries_the_end_of_what_was_written() -> None:
    with pytest.raises(CommandFailed, match="no such thing") as failure:
        run([sys.executable, "-c", "import sys; sys.exit('no such thing')"], timeout_s=10)
    assert (failure.value.returncode, failure.value.retryable) == (1, False)


def test_program_that_is_missing() -> None:
    with pytest.raises(CommandFailed, match="bonanca-nothing") as failure:
        run(["bonanca-nothing"], timeout_s=10)
    assert failure.value.returncode is None


def test_endless_output_is_bounded() -> None:
    program = f"import sys; sys.stdout.write('x' * {OUTPUT_LIMIT + 100_000})"
    result = run([sys.executable, "-c", program], timeout_s=20)
    assert (len(result.stdout), result.truncated) == (OUTPUT_LIMIT, True)


def test_out_of_time_ends_the_whole_group(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as failure:
        run(["sh", "-c", "sleep 60 & echo $! > child; wait"], timeout_s=0.5, cwd=tmp_path)
    assert failure.value.retryable
    child = int((tmp_path / "child").read_text())
    eventually(lambda: not _runs(child))


def test_cancelled_while_it_runs() -> None:
    def watch() -> None:
        raise StepStopped("cancelled")

    with pytest.raises(StepStopped):
        run(["sleep", "60"], timeout_s=60, watch=watch)


def test_dies_with_the_worker(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import threading
        from bonanca.durable.commands import run
        step = threading.Thread(target=lambda: run(["sh", "-c", "echo $$ > child; exec sleep 60"], timeout_s=60))
        step.start()
        step.join()
        """
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path)
    try:
        child = int(eventually(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text()))
        assert _runs(child)
    finally:
        worker.kill()
        worker.wait()
    eventually(lambda: not _runs(child))


def test_what_the_command_has_started_dies_with_the_worker_too(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import threading
        from bonanca.durable.commands import run
        words = ["sh", "-c", "sleep 60 & echo $! > grandchild; sleep 61 & wait"]
        step = threading.Thread(target=lambda: run(words, timeout_s=60))
        step.start()
        step.join()
        """
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path)
    try:
        pid = int(eventually(lambda: (tmp_path / "grandchild").exists() and (tmp_path / "grandchild").read_text()))
        assert _runs(pid)
    finally:
        worker.kill()
        worker.wait()
    eventually(lambda: not _runs(pid))


def test_what_has_ended_is_off_the_leash(tmp_path: Path) -> None:
    for _ in range(3):
        run(["true"], timeout_s=10)
    assert run(["sh", "-c", "echo here"], timeout_s=10).text == "here\n"
    other = subprocess.Popen(["sleep", "30"], start_new_session=True)
    try:
        leash.hold(other.pid)
        leash.let_go(other.pid)
        watcher = leash._watcher
        assert watcher is not None
        assert watcher.stdin is not None
        watcher.stdin.close()  # as when the worker dies
        assert watcher.wait(10) == 0
        assert _runs(other.pid)
    finally:
        other.kill()
        other.wait()
    assert run(["true"], timeout_s=10).text == ""


def test_what_we_may_not_end_is_told_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind sudo: it is another user's by then."""
    monkeypatch.setattr(commands, "_END_S", 0.5)

    def refused(_group: int, _signal: int) -> None:
        raise PermissionError

    began = time.monotonic()
    with monkeypatch.context() as patch, translation.override("en"):
        patch.setattr(os, "killpg", refused)
        with pytest.raises(CommandFailed, match="cannot be stopped by us") as failure:
            run(["sh", "-c", "echo $$ > child; exec sleep 60"], timeout_s=0.5, cwd=tmp_path)
    assert failure.value.retryable
    assert time.monotonic() - began < 30
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    eventually(lambda: run(["true"], timeout_s=10) and not commands._left)


def test_what_holds_the_output_of_a_command_that_has_ended_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_END_S", 0.5)
    began = time.monotonic()
    apart = "setsid sh -c 'echo $$ > child; exec sleep 60' & until [ -s child ]; do sleep 0.05; done; echo done"
    result = run(["sh", "-c", apart], timeout_s=50, cwd=tmp_path)
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert (result.text, time.monotonic() - began < 30) == ("done\n", True)


def _runs(pid: int) -> bool:
    return process(pid) is not None
