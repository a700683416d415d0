from __future__ import annotations

from datetime import datetime

import structlog

from bonanca.catalog.queries import list_services
from bonanca.kernel.errors import BonancaError, Unavailable
from bonanca.outbox.periodic import periodic
from bonanca.response.operations.record_replicas import record_replicas
from bonanca.response.operations.start_automatic_rollbacks import start_automatic_rollbacks
from bonanca.response.operations.undo_containment import expire_containments
from bonanca.running.runners import runner_for

log = structlog.get_logger(__name__)


@periodic("response.keep_running", every_s=2.0)
def keep_running(now: datetime) -> None:
    """Start again the replicas of this host's services that crashed or hang, and tell how they are (requirement Y2)."""
    failed: list[str] = []
    for service in list_services():
        runner = runner_for(service)
        if runner is None:
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


@periodic("response.expire_containments", every_s=1.0)
def expire(now: datetime) -> None:
    """Record containments whose time is over."""
    expire_containments(now)


@periodic("response.automatic_rollbacks", every_s=5.0)
def automatic_rollbacks(now: datetime) -> None:
    """Start the rollbacks that a declared policy wants."""
    start_automatic_rollbacks(now=now)
