"""A worker that stands still in the middle of a periodic job keeps it from nobody; one that is only slow has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from bonanca.outbox import pulse
from bonanca.outbox.models import PeriodicJob
from bonanca.outbox.periodic import Periodic, run_job
from tests.support.poll import eventually

NOW = datetime(2026, 3, 12, 14, 30, tzinfo=UTC)
NAME = "test.slow"
# A job that goes on for ever, with a look into the database now and then.
WORKER = f"""
import threading, time
import django
django.setup()
from django.db import connection
from bonanca.kernel.database import LOST
from bonanca.outbox import periodic
periodic._JOBS.clear()

def slow(now):
    print("begun", flush=True)
    try:
        while True:
            time.sleep(0.1)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    except LOST:
        print("lost", flush=True)
        raise

periodic.periodic({NAME!r}, every_s=600)(slow)
periodic.serve(threading.Event())
"""


@contextmanager
def another_worker() -> Iterator[subprocess.Popen[str]]:
    address = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")}
    url = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**address)
    environment = {**os.environ, "DATABASE_URL": url}
    with subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "begun\n"
            yield worker
        finally:
            worker.kill()


def ours() -> bool:
    return run_job(Periodic(NAME, 1.0, lambda now: None), NOW)


@pytest.mark.django_db(transaction=True)
def test_who_stands_still_loses_the_job_and_who_is_slow_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SILENT_S", 2.5)
    with another_worker() as worker:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert not ours()
            time.sleep(0.2)
        worker.send_signal(signal.SIGSTOP)
        eventually(ours, 15)
        worker.send_signal(signal.SIGCONT)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "lost\n"
    assert PeriodicJob.objects.get(name=NAME).last_error == ""


@pytest.mark.django_db(transaction=True)
def test_who_dies_loses_it_at_once() -> None:
    with another_worker() as worker:
        assert not ours()
        worker.kill()
        eventually(ours, 5)


@pytest.mark.django_db(transaction=True)
def test_two_jobs_do_not_stand_in_each_others_way() -> None:
    with another_worker():
        assert run_job(Periodic("test.other", 1.0, lambda now: None), NOW)
