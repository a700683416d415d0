from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import Unavailable
from bonanca.outbox.periodic import periodic
from bonanca.response.looks import Looks
from bonanca.response.operations.record_replicas import record_replicas
from bonanca.response.operations.start_automatic_rollbacks import start_automatic_rollbacks
from bonanca.response.operations.undo_containment import expire_containments
from bonanca.running.homes import note_problem, release_now, remember_release, ssh_host
from bonanca.running.runners import runner_for, runner_of
from bonanca.running.views import SeenReplica

# So many connections at once does one host get, unless those that have them hang.
AT_ONE_HOST = 4
TURN_S = 5.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Look:
    replicas: tuple[SeenReplica, ...]
    release: str | None = None


def _near(service: ServiceView, now: datetime) -> _Look:
    runner = runner_of(service)
    runner.keep(service, now=now)
    return _Look(runner.observe(service))


def _far(service: ServiceView, now: datetime) -> _Look:
    with _turn(service):
        near = _near(service, now)
        return _Look(near.replicas, release_now(service))


NEAR = Looks(_near, wait_s=5.0, slow_s=30.0)
FAR = Looks(_far, wait_s=8.0, slow_s=30.0)


@periodic("response.keep_running", every_s=2.0)
def keep_running(now: datetime) -> None:
    """Start again the replicas of this host's services that crashed or hang, and tell how they are (requirement Y2).

    Each on its own: one that hangs, or a daemon that does not answer it, holds up no other.
    """
    near = [service for service in list_services() if ssh_host(service) is None and runner_for(service) is not None]
    failed: list[str] = []
    for look in NEAR.round(near, now):
        if look.found is None:
            log.error("service not kept running", service=look.service.slug, error=look.failure)
            failed.append(f"{look.service.slug}: {look.failure}")
        else:
            record_replicas(look.service, look.found.replicas, now=now)
    if failed:
        raise Unavailable("; ".join(failed))


@periodic("response.keep_hosts", every_s=10.0)
def keep_hosts(now: datetime) -> None:
    """The same for services of other hosts."""
    far = [service for service in list_services() if ssh_host(service) is not None and runner_for(service) is not None]
    failed: list[str] = []
    for look in FAR.round(far, now):
        service = look.service
        if look.found is None:
            log.error("host not looked at", service=service.slug, error=look.failure)
            note_problem(service, look.failure)
            failed.append(f"{service.slug}: {look.failure}")
        else:
            remember_release(service, look.found.release, now=now)
            record_replicas(service, look.found.replicas, now=now)
    if failed:
        raise Unavailable("; ".join(failed))


_turns: dict[str, threading.Semaphore] = {}


@contextmanager
def _turn(service: ServiceView) -> Iterator[None]:
    """One of a few connections to the service's host: a server refuses many that come at once."""
    host = ssh_host(service)
    turn = _turns.setdefault(host.address if host else "", threading.Semaphore(AT_ONE_HOST))
    had = turn.acquire(timeout=TURN_S)
    try:
        yield
    finally:
        if had:
            turn.release()


@periodic("response.expire_containments", every_s=1.0)
def expire(now: datetime) -> None:
    """Record containments whose time is over."""
    expire_containments(now)


@periodic("response.automatic_rollbacks", every_s=5.0)
def automatic_rollbacks(now: datetime) -> None:
    """Start the rollbacks that a declared policy wants."""
    start_automatic_rollbacks(now=now)
