"""A replica that crashes or hangs is started again by itself, with growing pauses; after a limit somebody is woken.

Real processes of a declared service, the worker's own job, the outbox and a real SMTP server take part. Time is moved.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bonanca.actuators.process.local import ReplicaStatus, status, stop_everything
from bonanca.actuators.process.rolling import restart_all
from bonanca.actuators.process.tests.conftest import free_ports, make_release, point_current
from bonanca.catalog.spec import HealthSpec, ReplicaSpec, RestartSpec, RunSpec
from bonanca.incidents.queries import open_incidents
from bonanca.notify.operations.send_due import send_due
from bonanca.notify.tests.mail_server import MailServer
from bonanca.response.worker import keep_running
from bonanca.running.processes import process_spec
from tests.support.loja import NOW, Shop
from tests.support.poll import eventually
from tests.support.traces import deliver

# Not inside one transaction: what is waited for takes longer than one may be idle.
pytestmark = pytest.mark.django_db(transaction=True)

# At most 3 restarts in 5 minutes, with pauses of 1, 2 and 4 s; two bad answers in a row are a hang.
RESTART = RestartSpec(max=3, window_s=300, backoff_s=1, failures=2, check_every_s=0, check_timeout_s=0.3)
# After the time in which a start may still be going on.
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def mail(settings: Any) -> Iterator[MailServer]:
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.stop()


@pytest.fixture
def running(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The service runs: one replica that answers."""
    monkeypatch.setenv("BONANCA_HOME", str(tmp_path / "home"))
    root, [port] = tmp_path / "runs", free_ports(1)
    make_release(root, "v1")
    point_current(root, "v1")
    replica = (ReplicaSpec(port),)
    run = RunSpec(("{python}", "-S", "serve.py", "{port}"), replica, HealthSpec("/health", 10), restart=RESTART)
    shop.declare(root=root, run=run, config=None, gateway=None, slos=())
    restart_all(process_spec(shop.service), key="deploy", now=NOW, progress=lambda *_: None, pulse=lambda: None)
    yield shop
    stop_everything(root, timeout_s=0.2)


def replica(shop: Shop) -> ReplicaStatus:
    assert shop.service.root is not None
    [found] = status(shop.service.root)
    return found


def answers(shop: Shop) -> bool:
    assert shop.service.run is not None
    try:
        return httpx.get(shop.service.run.replicas[0].url, timeout=5).text == "v1"
    except httpx.HTTPError:
        return False


def crash(shop: Shop) -> None:
    pid = replica(shop).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not replica(shop).running)


def looked_at(now: datetime) -> None:
    """What the worker does every two seconds."""
    keep_running(now)
    deliver(now)


def test_one_that_crashes_answers_again_with_nobody_helping(running: Shop) -> None:
    before = replica(running).pid
    crash(running)
    looked_at(LATER)
    eventually(lambda: answers(running))
    assert (replica(running).restarts, replica(running).pid != before) == (1, True)
    assert open_incidents() == ()


def test_one_that_hangs_answers_again_and_a_single_bad_answer_restarts_nothing(running: Shop) -> None:
    before = replica(running).pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    looked_at(LATER)
    assert replica(running).pid == before
    looked_at(LATER + timedelta(seconds=5))
    eventually(lambda: answers(running))
    assert replica(running).pid != before
    assert open_incidents() == ()


def test_one_that_fails_again_and_again_is_left_alone_after_the_limit_and_the_person_on_call_is_woken(
    running: Shop, mail: MailServer
) -> None:
    started, second = [], 0
    while replica(running).gave_up_at is None:
        if replica(running).running:
            crash(running)
        before = replica(running).restarts
        looked_at(LATER + timedelta(seconds=second))
        if replica(running).restarts > before:
            started.append(second)
        second += 1
        assert second < 60, "it is tried without end"
    assert started == [0, 1, 3], "at once, then with pauses that double"

    now = LATER + timedelta(seconds=second)
    [incident] = open_incidents()
    assert (incident.service, incident.severity) == ("loja-api", "critical")
    send_due(now)
    deliver(now)
    [woken] = mail.received
    assert woken["To"] == "ana@loja.example"
    assert f"/incidents/{incident.number}/" in woken.get_content()

    looked_at(now + timedelta(hours=2))
    assert not replica(running).running, "only a person starts it again"
    send_due(now + timedelta(hours=2))
    assert len(mail.received) == 1, "and nobody is told the same twice"
