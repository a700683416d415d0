"""One at a time on a resource, and never an outdated worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from bonanca.durable import host
from bonanca.durable.context import FenceToken
from bonanca.durable.errors import Fenced
from bonanca.durable.fence import ResourceBusy, fenced
from tests.support.poll import eventually


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path))
    return tmp_path


def test_older_epoch_of_the_same_plan_is_refused_even_after_another_plan() -> None:
    run, other = uuid4(), uuid4()
    for token in (FenceToken(run, 2), FenceToken(other, 1), FenceToken(run, 2)):
        with fenced("file:x", token):
            pass
    with pytest.raises(Fenced), fenced("file:x", FenceToken(run, 1)):
        pytest.fail("an outdated worker came in")
    with fenced("file:y", FenceToken(run, 1)):
        pass


def test_asks_whether_the_token_is_still_good() -> None:
    def verify() -> None:
        raise Fenced("cancelled meanwhile")

    with pytest.raises(Fenced), fenced("file:x", FenceToken(uuid4(), 1, verify=verify)):
        pytest.fail("came in with a token that is no longer good")


def test_one_at_a_time() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with fenced("file:x", FenceToken(uuid4(), 1)):
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    with pytest.raises(ResourceBusy), fenced("file:x", FenceToken(uuid4(), 1), wait_s=0.1):
        pytest.fail("two at a time")
    leave.set()
    holder.join()
    with fenced("file:x", FenceToken(uuid4(), 1), wait_s=1):
        pass


@pytest.mark.django_db
def test_stopped_holder_that_lost_its_plan_is_killed(tmp_path: Path) -> None:
    run = uuid4()
    program = textwrap.dedent(
        f"""
        import os, signal, django
        from uuid import UUID
        django.setup()
        from bonanca.durable.context import FenceToken
        from bonanca.durable.fence import fenced
        with fenced("file:x", FenceToken(UUID("{run}"), 1)):
            os.kill(os.getpid(), signal.SIGSTOP)
        """
    )
    holder = subprocess.Popen([sys.executable, "-c", program], env=dict(os.environ))
    try:
        eventually(lambda: (found := host.process(holder.pid)) is not None and found.stopped, 20)
        # No such plan runs in epoch 1: whoever holds the lock for it is outdated.
        with fenced("file:x", FenceToken(run, 2), wait_s=10):
            assert holder.wait(10) == -signal.SIGKILL
    finally:
        holder.kill()
        holder.wait()


def test_process_is_known_by_its_start_too() -> None:
    me = host.process(os.getpid())
    assert me is not None
    assert host.alive(os.getpid(), me.started) is not None
    assert host.alive(os.getpid(), me.started + 1) is None
    assert not host.kill_stopped(os.getpid(), me.started)
