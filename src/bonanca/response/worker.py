from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog

from bonanca.catalog.queries import list_services
from bonanca.catalog.spec import ServiceView
from bonanca.kernel.errors import BonancaError, Unavailable
from bonanca.outbox.periodic import periodic
from bonanca.response.operations.record_replicas import record_replicas
from bonanca.response.operations.start_automatic_rollbacks import start_automatic_rollbacks
from bonanca.response.operations.undo_containment import expire_containments
from bonanca.running.homes import note_problem, release_now, remember_release, ssh_host
from bonanca.running.runners import runner_for, runner_of
from bonanca.running.views import SeenReplica

HOSTS_AT_ONCE = 8
log = structlog.get_logger(__name__)


@periodic("response.keep_running", every_s=2.0)
def keep_running(now: datetime) -> None:
    """Start again the replicas of this host's services that crashed or hang, and tell how they are (requirement Y2)."""
    failed: list[str] = []
    for service in list_services():
        runner = runner_for(service)
        if runner is None or ssh_host(service) is not None:
            continue
        try:
            runner.keep(service, now=now)
            record_replicas(service, runner.observe(service), now=now)
        except (BonancaError, OSError) as failure:
            # One service that cannot be kept does not keep the others from it.
            log.error("service not kept running", service=service.slug, error=str(failure))
            failed.append(f"{service.slug}: {failure}")
    if failed:
        raise Unavailable("; ".join(failed))


@periodic("response.keep_hosts", every_s=10.0)
def keep_hosts(now: datetime) -> None:
    """The same for services of other hosts, each in its turn of a few: one that does not answer holds up no other."""
    far = [service for service in list_services() if ssh_host(service) is not None and runner_for(service) is not None]
    if not far:
        return
    with ThreadPoolExecutor(HOSTS_AT_ONCE, thread_name_prefix="hosts") as pool:
        looks = list(pool.map(lambda service: _looked(service, now), far))
    failed = []
    for service, look in zip(far, looks, strict=True):
        if isinstance(look, BonancaError | OSError):
            log.error("host not looked at", service=service.slug, error=str(look))
            note_problem(service, str(look))
            failed.append(f"{service.slug}: {look}")
        else:
            remember_release(service, look.release, now=now)
            record_replicas(service, look.replicas, now=now)
    if failed:
        raise Unavailable("; ".join(failed))


@dataclass(frozen=True)
class _Look:
    replicas: tuple[SeenReplica, ...]
    release: str | None


def _looked(service: ServiceView, now: datetime) -> _Look | BonancaError | OSError:
    """In a thread of its own: the network, and nothing of our database."""
    runner = runner_of(service)
    try:
        runner.keep(service, now=now)
        return _Look(runner.observe(service), release_now(service))
    except (BonancaError, OSError) as failure:
        return failure


@periodic("response.expire_containments", every_s=1.0)
def expire(now: datetime) -> None:
    """Record containments whose time is over."""
    expire_containments(now)


@periodic("response.automatic_rollbacks", every_s=5.0)
def automatic_rollbacks(now: datetime) -> None:
    """Start the rollbacks that a declared policy wants."""
    start_automatic_rollbacks(now=now)
